# shellcheck shell=bash
# The scripted model server of tests/upstream.
add() { cp "$(rust_program dev test-upstream test-upstream)" "$1/"; strip "$1/test-upstream"; }
