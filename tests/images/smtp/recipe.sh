# shellcheck shell=bash
# shellcheck disable=SC2034  # read by `build`
description="A mail server that delivers nothing and shows what it took"
