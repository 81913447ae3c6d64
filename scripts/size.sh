#!/bin/sh
# Holds the release binary to its limit: size.sh [file]
set -eu
cd "$(dirname "$0")/.."
binary=${1:-${CARGO_TARGET_DIR:-target}/release/vestibule}
limit=31457280
size=$(wc -c <"$binary")
[ "$size" -le "$limit" ] || { echo "$binary has $size bytes, more than $limit (30 MiB)" >&2; exit 1; }
echo "$binary: $size of $limit bytes"
