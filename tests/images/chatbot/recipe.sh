# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="The chatbot: server, worker, migrations"
sources=(chatbot Cargo.toml Cargo.lock tests/images/chatbot)
# Prints the path of the program; the next version has another one.
chatbot_program() { rust_program "$profile" chatbot chatbot; }
add() {
  local program runtime model
  program=$(chatbot_program)
  strip -o "$1/chatbot" "$program"
  runtime=$(runtime "postgresql-client-$pg_major" /usr/lib/postgresql/"$pg_major"/bin/{pg_dump,pg_restore,psql})
  link "$runtime" "$1/runtime"
  model=$(embedding_model)
  link "$model" "$1/model"
}
annotate() { echo "chatbot.platform.pg-major=$pg_major"; }
