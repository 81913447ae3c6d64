#!/bin/sh
# The compiler of the quick fuzzed build: what libFuzzer follows is put into the project's own crates alone, so that all others are those of the
# tests. Unstable flags are unlocked for these calls only, since build scripts of others look whether they are. It is called as
# fuzz-rustc.sh <compiler> <argument> …
set -eu
own=no
case ${CARGO_MANIFEST_DIR-} in "$VESTIBULE_FUZZ_OWN"/*) case " $* " in *" build_script_build "* | *" proc-macro "*) ;; *) own=yes ;; esac ;; esac
[ "$own" = yes ] || exec "$@"
export RUSTC_BOOTSTRAP=1
# Flags are words without spaces.
# shellcheck disable=SC2086
exec "$@" $VESTIBULE_FUZZ_FLAGS
