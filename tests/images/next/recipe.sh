# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
# The next version of the chatbot, for tests of releases: this tree's program with the further migrations and the `main` of
# tests/fixtures/next. A copy of the tree is built, so that nothing in the product knows of it.
# One kind of job has another name in it, as if the one were gone and the other were new.
# It is the image of the chatbot with this program in it.
# shellcheck source=tests/images/chatbot/recipe.sh
source "$images_home/chatbot/recipe.sh"
description="A next version of the chatbot, for tests"
sources=(chatbot Cargo.toml Cargo.lock tests/fixtures/next tests/images/chatbot tests/images/next)

# Builds the program, and prints its path. The tests' packages are selected, so that what both programs are made of is built once; a test that
# is none brings the programs of its package.
chatbot_program() {
  local copy=$cache/next
  one_at_a_time next-tree 9
  next_tree "$copy.wanted" || die "the tree of the next version could not be written into $copy.wanted"
  update "$copy.wanted" "$copy"
  (cd "$copy" && cargo test --offline --workspace --no-run --test none) >&2 || die "cargo build of the next version failed: its message stands above"
  echo "$CARGO_TARGET_DIR/debug/chatbot-next"
}
# Writes the tree of the next version into folder $1. It has a version of its own, by which cargo tells its packages from this tree's.
next_tree() {
  local manifest=$1/chatbot/Cargo.toml
  rm -rf "$1" && mkdir -p "$1" &&
    (cd "$root" && git ls-files -z --cached --others --exclude-standard | while read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done | tar --null --files-from=- -cf -) | tar -xf - -C "$1" &&
    sed -i "s/^version = \"$workspace_version\"$/version = \"$workspace_version-next\"/" "$1/Cargo.toml" &&
    cp "$root"/tests/fixtures/next/migrations/* "$1/chatbot/migrations/" &&
    cp "$root/tests/fixtures/next/main.rs" "$1/chatbot/src/main.rs" &&
    sed -i 's/kind = "remove_document"/kind = "forget_document"/' "$1/chatbot/src/jobs/remove.rs" && grep -q forget_document "$1/chatbot/src/jobs/remove.rs" &&
    echo '//! Nothing.' >"$1/chatbot/tests/none.rs" &&
    sed -i 's/^name = "chatbot"$/&\nautobins = false/' "$manifest" && grep -q '^autobins = false$' "$manifest" &&
    printf '\n[[bin]]\nname = "chatbot-next"\npath = "src/main.rs"\n' >>"$manifest"
}
# Makes folder $2 what $1 is, but for the lock file, which cargo keeps. What does not differ keeps its time, so that it is not built again.
update() {
  local file
  mkdir -p "$2"
  (cd "$2" && find . -type f ! -name .lock-of-this-tree) | while read -r file; do [ -e "$1/$file" ] || rm "$2/$file"; done
  (cd "$1" && find . -type f ! -path ./Cargo.lock) | while read -r file; do cmp -s "$1/$file" "$2/$file" || install -D -m 644 "$1/$file" "$2/$file"; done
  cmp -s "$1/Cargo.lock" "$2/.lock-of-this-tree" || { cp "$1/Cargo.lock" "$2/Cargo.lock" && cp "$1/Cargo.lock" "$2/.lock-of-this-tree"; }
  rm -rf "$1"
}
