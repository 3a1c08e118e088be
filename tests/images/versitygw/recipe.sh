# shellcheck shell=bash
add() {
  "$root/tests/cluster/build" >/dev/null
  mkdir -p "$1/root/usr/local/bin" "$1/root/tmp" "$1/root/data"
  chmod 1777 "$1/root/tmp" "$1/root/data"
  cp -L "$bin/versitygw" "$1/root/usr/local/bin/"
}
