# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="Redis from Debian, for trials and tests"
licenses=BSD-3-Clause
