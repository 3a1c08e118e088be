# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="versitygw, an S3 server on a folder, for trials and tests"
sources=(tests/cluster/versitygw tests/images/versitygw)
add() {
  local program
  program=$("$root/tests/cluster/build" versitygw)/versitygw
  mkdir -p "$1/root/usr/local/bin" "$1/root/tmp" "$1/root/data"
  chmod 1777 "$1/root/tmp" "$1/root/data"
  cp "$program" "$1/root/usr/local/bin/"
}
