#!/bin/sh
# Builds the C reference of Argon2 for the processor of this machine, once, and prints the Python that has it: the bench sets our hash
# against it (scripts/bench.sh --reference argon2). The source is that of argon2-cffi-bindings at PyPI.
set -eu
cd "$(dirname "$0")/.."
version=25.1.0
place=${CARGO_TARGET_DIR:-target}/tools/argon2-$version
case $place in /*) ;; *) place=$PWD/$place ;; esac
scripts/packages.sh python3:python3 python3-venv:ensurepip python3-dev:python3-config gcc:cc >&2
if [ ! -e "$place/made" ]; then
    rm -rf "$place"
    python3 -m venv "$place"
    CFLAGS="-O3 -march=native" "$place/bin/pip" install --quiet --no-binary argon2-cffi-bindings "argon2-cffi-bindings==$version" >&2
    touch "$place/made"
fi
echo "$place/bin/python"
