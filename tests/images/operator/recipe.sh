# shellcheck shell=bash
description="Runs environments of the chatbot on Kubernetes"
add() {
  local program runtime
  program=$(rust_program "$profile" chatbot-operator chatbot-operator)
  strip -o "$1/chatbot-operator" "$program"
  runtime=$(runtime)
  link "$runtime" "$1/runtime"
}
annotate() { labels chatbot-operator operator Cargo.toml Cargo.lock; }
