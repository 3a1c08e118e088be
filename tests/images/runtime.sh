# shellcheck shell=bash
# Sourced by lib.sh: the smallest root file systems, for images that hold no shell and no package manager.

# Prints a folder with the C library and certificates, and, from the Debian package $1, the programs $2 … with every library that
# they load.
runtime() {
  local package=${1:-} out tree
  [ $# = 0 ] || shift
  out=$cache/runtime/$suite-${package:-plain}-$(sha256sum "$images_home/runtime.sh" | cut -c1-12)
  one_at_a_time runtime 6
  if [ ! -d "$out" ]; then
    step "runtime: Debian $suite, ${package:-C library and certificates only}"
    tree=$(mktemp -d)
    mmdebstrap --quiet --format=tar --variant=extract --include="libc6,libgcc-s1,ca-certificates${package:+,$package}" "$suite" - |
      tar -x -C "$tree" --exclude './dev/*' || die "Debian $suite has no package $package: choose another PG_MAJOR"
    rm -rf "$out.new"; mkdir -p "$out.new"
    copy_programs "$tree" "$out.new" "$@"
    add_files "$tree" "$out.new"
    rm -rf "$tree"
    mv "$out.new" "$out"
  fi
  echo "$out"
}

# Copies the programs $3 … from tree $1 to folder $2 with all libraries that they load, and those of every Rust program.
copy_programs() {
  local tree=$1 out=$2 loader
  shift 2
  loader=$(cd "$tree" && ls -d lib*/ld-linux*.so.*)
  {
    (cd "$tree" && ls -d "$loader" lib/*-linux-gnu/lib{c,m,gcc_s,resolv,pthread,dl,rt}.so.*)
    for program in "$@"; do
      echo "${program#/}"
      chroot "$tree" "/$loader" --list "$program" | sed -n 's/.* => \/\([^ ]*\) .*/\1/p'
    done
  } | sort -u | while read -r file; do install -D "$tree/$file" "$out/$file"; done
  for program in "$@"; do mkdir -p "$out/usr/bin"; ln -s "$program" "$out/usr/bin/${program##*/}"; done
}

# Certificates, the user's name, how host names are resolved, and the licences of what is inside.
add_files() {
  local tree=$1 out=$2
  mkdir -p "$out"/{etc/ssl/certs,tmp,usr/local/bin,usr/share/doc}
  chmod 1777 "$out/tmp"
  cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$out/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/:/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/nologin\n' >"$out/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$out/etc/group"
  printf 'hosts: files dns\n' >"$out/etc/nsswitch.conf"
  (cd "$tree" && cp -r --parents usr/share/doc/*/copyright "$out")
}
