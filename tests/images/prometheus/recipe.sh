# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="Prometheus from Debian, for trials and tests"
