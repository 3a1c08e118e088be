# shellcheck shell=bash
description="Runs environments of the chatbot on Kubernetes"
add() {
  cp "$(rust_program "$profile" chatbot-operator chatbot-operator)" "$1/"
  strip "$1/chatbot-operator"
  link "$(runtime)" "$1/runtime"
}
annotate() { labels chatbot-operator operator Cargo.toml Cargo.lock; }
