# shellcheck shell=bash
# The scripted model server of tests/upstream.
add() {
  local program
  program=$(rust_program dev test-upstream test-upstream)
  strip -o "$1/test-upstream" "$program"
}
