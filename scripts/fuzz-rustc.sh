#!/bin/sh
# The compiler of the quick fuzzed build: what libFuzzer follows is put into the project's own crates alone, and not into what runs at build
# time, which has no target. It is called as fuzz-rustc.sh <compiler> <argument> …
set -eu
own=no
case ${CARGO_MANIFEST_DIR-} in "$VESTIBULE_FUZZ_OWN"/*) case " $* " in *" --target "*) own=yes ;; esac ;; esac
[ "$own" = yes ] || exec "$@"
# Flags are words without spaces.
# shellcheck disable=SC2086
exec "$@" $VESTIBULE_FUZZ_FLAGS
