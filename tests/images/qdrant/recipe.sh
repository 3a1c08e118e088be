# shellcheck shell=bash
# The stand-in of tests/qdrant. The debug build is fast enough for tests and trials, and there already where tests were compiled.
add() {
  local program
  program=$(rust_program dev test-qdrant test-qdrant)
  strip -o "$1/test-qdrant" "$program"
}
