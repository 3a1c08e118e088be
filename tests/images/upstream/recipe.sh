# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
# The scripted model server of tests/upstream.
description="A scripted model server, for tests"
sources=(tests/upstream Cargo.lock tests/images/upstream)
add() {
  local program
  program=$(rust_program dev test-upstream test-upstream)
  strip -o "$1/test-upstream" "$program"
}
