#!/bin/sh
# Checks the crate that hashes passwords for a processor that has none of its kernels, with its tests: on aarch64 every hash is made by what stands
# in portable.rs, and what is compiled for x86-64 alone must not be missed there. The crate is checked alone: the rest of the workspace has C in
# it, which would ask for a compiler for that processor. Part of `make lint`.
set -eu
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
work=${CARGO_TARGET_DIR:-target}/portable
cargo=${CARGO:-cargo}

if ! command -v rustup >/dev/null 2>&1; then
    echo "portable.sh: without rustup there is no library for $target, and the portable hash is not checked" >&2
    exit 0
fi
rustup target list --installed | grep -qx "$target" || rustup target add "$target"

rm -rf "$work/argon2id"
mkdir -p "$work"
{
    printf '[workspace]\nresolver = "3"\nmembers = ["argon2id"]\n\n'
    sed -n '/^\[workspace\.package\]/,/^\[profile/p' Cargo.toml | sed '/^\[profile/d'
} >"$work/Cargo.toml"
cp Cargo.lock clippy.toml "$work/"
cp -R crates/argon2id "$work/argon2id"
sed -i '/^unify\./d' "$work/argon2id/Cargo.toml"
RUSTFLAGS="--deny warnings" "$cargo" check --quiet --manifest-path "$work/Cargo.toml" --target "$target" --target-dir "$work/target" --tests
