# shellcheck shell=bash
description="The chatbot: server, worker, migrations"
add() {
  local program runtime model
  program=$(rust_program "$profile" chatbot chatbot)
  strip -o "$1/chatbot" "$program"
  runtime=$(runtime "postgresql-client-$pg_major" /usr/lib/postgresql/"$pg_major"/bin/{pg_dump,pg_restore,psql})
  link "$runtime" "$1/runtime"
  model=$(embedding_model)
  link "$model" "$1/model"
}
annotate() { labels chatbot chatbot Cargo.toml Cargo.lock; echo "chatbot.platform.pg-major=$pg_major"; }
