# shellcheck shell=bash
description="The chatbot: server, worker, migrations"
add() {
  cp "$(rust_program "$profile" chatbot chatbot)" "$1/"
  strip "$1/chatbot"
  link "$(runtime "postgresql-client-$pg_major" /usr/lib/postgresql/"$pg_major"/bin/{pg_dump,pg_restore,psql})" "$1/runtime"
  link "$(embedding_model)" "$1/model"
}
annotate() { labels chatbot chatbot Cargo.toml Cargo.lock; echo "chatbot.platform.pg-major=$pg_major"; }
