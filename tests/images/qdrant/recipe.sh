# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
# The stand-in of tests/qdrant. The debug build is fast enough for tests and trials, and there already where tests were compiled.
description="A stand-in that speaks the part of Qdrant's API that the chatbot uses, for tests"
sources=(tests/qdrant Cargo.lock tests/images/qdrant)
add() {
  local program
  program=$(rust_program dev test-qdrant test-qdrant)
  strip -o "$1/test-qdrant" "$program"
}
