#!/bin/sh
# Says in one sentence what is missing where cargo is missing or too old.
set -u
cd "$(dirname "$0")/.." || exit 1
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
how="install rustup (Debian 13 has a package of that name; elsewhere see https://rustup.rs) and run this again: rust-toolchain.toml says which version it takes"
cargo=${CARGO:-cargo}
if ! command -v "$cargo" >/dev/null 2>&1; then
    echo "Vestibule is built with Rust $wanted or newer and there is no cargo here: $how." >&2
    exit 1
fi
if ! said=$("$cargo" --version 2>&1); then
    echo "$said" >&2
    echo "Vestibule is built with Rust $wanted or newer and cargo does not start; with rustup: rustup toolchain install $(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)" >&2
    exit 1
fi
have=$(echo "$said" | sed -n 's/^cargo \([0-9.]*\).*/\1/p' | tail -1)
oldest=$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)
if [ "$oldest" != "$wanted" ]; then
    echo "Vestibule is built with Rust $wanted or newer and this is $have (Debian 12's own is 0.66): $how." >&2
    exit 1
fi
