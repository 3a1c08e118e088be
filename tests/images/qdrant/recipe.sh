# shellcheck shell=bash
# The stand-in of tests/qdrant. The debug build is fast enough for tests and trials, and there already where tests were compiled.
add() { cp "$(rust_program dev test-qdrant test-qdrant)" "$1/"; strip "$1/test-qdrant"; }
