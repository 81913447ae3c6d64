#!/bin/sh
# Installs a cargo tool into target/tools, once, and prints its path: cargo-tool.sh <crate> <version> [option of cargo install …]
set -eu
cd "$(dirname "$0")/.."
crate=$1
version=$2
shift 2
root=$PWD/target/tools/$crate-$version
[ -x "$root/bin/$crate" ] || "${CARGO:-cargo}" install --quiet --locked --root "$root" --version "$version" "$@" "$crate" >&2
echo "$root/bin/$crate"
