#!/bin/sh
# Installs a cargo tool into target/tools, once, and prints its path: cargo-tool.sh <crate> <version>
set -eu
crate=$1
version=$2
root=target/tools/$crate-$version
[ -x "$root/bin/$crate" ] || ${CARGO:-cargo} install --quiet --locked --root "$root" --version "$version" "$crate" >&2
echo "$root/bin/$crate"
