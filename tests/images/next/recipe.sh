# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
# The next version of the chatbot, for tests of releases: this tree's program with the further migrations and the `main` of
# tests/fixtures/next. A copy of the tree is built, so that nothing in the product knows of it.
description="A next version of the chatbot, for tests"
sources=(chatbot Cargo.toml Cargo.lock tests/fixtures/next tests/images/next)
add() {
  local program runtime model
  program=$(next_program)
  strip -o "$1/chatbot" "$program"
  runtime=$(runtime "postgresql-client-$pg_major" /usr/lib/postgresql/"$pg_major"/bin/{pg_dump,pg_restore,psql})
  link "$runtime" "$1/runtime"
  model=$(embedding_model)
  link "$model" "$1/model"
}
annotate() { echo "chatbot.platform.pg-major=$pg_major"; }

# Builds the program, and prints its path.
next_program() {
  local copy=$cache/next
  next_tree "$copy.wanted" && update "$copy.wanted" "$copy" || return
  # With the same packages selected as by the tests, so that what both are made of is built once; a test that is none brings the programs.
  (cd "$copy" && cargo test --locked --workspace --no-run --test none) >&2 || die "cargo build of the next version failed: its message stands above"
  echo "$CARGO_TARGET_DIR/debug/chatbot-next"
}
# Writes the tree of the next version into folder $1.
next_tree() {
  rm -rf "$1" && mkdir -p "$1" || return
  (cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null) | tar -xf - -C "$1" || return
  cp "$root"/tests/fixtures/next/migrations/* "$1/chatbot/migrations/"
  cp "$root/tests/fixtures/next/main.rs" "$1/chatbot/src/main.rs"
  echo '//! Nothing.' >"$1/chatbot/tests/none.rs"
  # A name of its own: both programs are built into one folder.
  sed -i 's/^name = "chatbot"$/&\nautobins = false/' "$1/chatbot/Cargo.toml"
  printf '\n[[bin]]\nname = "chatbot-next"\npath = "src/main.rs"\n' >>"$1/chatbot/Cargo.toml"
}
# Makes folder $2 what $1 is. What does not differ keeps its time, so that cargo does not build it again.
update() {
  local file
  mkdir -p "$2"
  (cd "$2" && find . -type f) | while read -r file; do [ -e "$1/$file" ] || rm "$2/$file"; done
  (cd "$1" && find . -type f) | while read -r file; do cmp -s "$1/$file" "$2/$file" || install -D -m 644 "$1/$file" "$2/$file"; done
  rm -rf "$1"
}
