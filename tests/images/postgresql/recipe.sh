# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="PostgreSQL from Debian, for trials and tests"
licenses=PostgreSQL
