# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="Runs environments of the chatbot on Kubernetes"
sources=(operator Cargo.toml Cargo.lock tests/images/operator)
add() {
  local program runtime
  program=$(rust_program "$profile" chatbot-operator chatbot-operator)
  strip -o "$1/chatbot-operator" "$program"
  runtime=$(runtime)
  link "$runtime" "$1/runtime"
}
