# shellcheck shell=bash
# Sourced by the scripts of every folder here: where things are, and how a problem is said.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What is built is kept outside of the checkout, so that the next clone finds it.
cache=${CHATBOT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chatbot-platform}
export CHATBOT_CACHE=$cache CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target} PATH=$PATH:/usr/sbin:/sbin
workspace_version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")

# One line on stderr that says what is wrong and what to do, then the end.
die() {
  local red='' plain=''
  [ ! -t 2 ] || red=$'\e[31m' plain=$'\e[0m'
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2; exit 1
}

# For preflights: a line for each thing that is missing. The script ends with `exit $((problems > 0))`.
problems=0
missing() { printf 'missing: %s\n' "$*" >&2; problems=$((problems + 1)); }
needs_programs() { # why, program …
  local why=$1 program; shift
  for program in "$@"; do type -P "$program" >/dev/null || missing "$program, which $why needs: install it with this system's package manager."; done
}
# Asks for $1 GiB on the file system that will hold folder $2, which need not exist yet.
needs_room() {
  local folder=$2 free
  until [ -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(($(df --output=avail -k "$folder" | tail -n 1) / 1048576))
  [ "$free" -ge "$1" ] || missing "disk: $2 has $free GiB free and $1 are needed. Free some, or set CHATBOT_CACHE to a folder with room."
}
needs_root() { [ "$(id -u)" = 0 ] || missing "root: run this as root (sudo -E make …); $1."; }
# What the Rust build will take: much the first time, little when most is there.
rust_gib() { if [ -d "$CARGO_TARGET_DIR" ]; then echo 1; else echo 8; fi; }

# buildah with an image store of its own in the cache: the machine's own store is left alone, and images of the same name in it too.
buildah() { command buildah --root "$cache/buildah/store" --runroot "$cache/buildah/run" "$@"; }

# Prints the path of program $3 of this workspace's package $2, built with profile $1 where its sources changed. PREBUILT=1 takes
# what an earlier build left, without asking cargo. The operator's programs wait nearly always: of them the small ones are taken.
rust_program() {
  local wanted=$1 folder
  [ "$1/$2" != image/chatbot-operator ] || wanted=image-small
  folder=${wanted/#dev/debug}
  if [ -z "${PREBUILT:-}" ]; then
    echo "cargo build --profile $wanted -p $2 --bin $3" >&2
    (cd "$root" && cargo build --locked --profile "$wanted" -p "$2" --bin "$3") >&2 || die "cargo build -p $2 failed: its message stands above"
  fi
  [ -x "$CARGO_TARGET_DIR/$folder/$3" ] || die "$CARGO_TARGET_DIR/$folder/$3 is not there: unset PREBUILT to build it"
  echo "$CARGO_TARGET_DIR/$folder/$3"
}

# Prints repository, tag and digest of an image reference, a line each: REPOSITORY[:TAG][@DIGEST]. A colon before the last slash is that of
# a registry's port. A reference that names neither tag nor digest means the tag latest.
image_parts() {
  local repository=$1 tag='' digest=''
  [[ $repository != *@* ]] || { digest=${repository#*@}; repository=${repository%%@*}; }
  [[ ${repository##*/} != *:* ]] || { tag=${repository##*:}; repository=${repository%:*}; }
  [ -n "$tag$digest" ] || tag=latest
  printf '%s\n' "$repository" "$tag" "$digest"
}
# The same as a chart's value `image`, for --set-json and values files.
image_json() { local part; mapfile -t part < <(image_parts "$1"); printf '{"repository":"%s","tag":"%s","digest":"%s"}' "${part[@]}"; }
