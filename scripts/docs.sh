#!/bin/sh
# The book with the documentation of the crates: target/book/index.html, and target/book/api below it.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
book=$(scripts/cargo-tool.sh mdbook 0.5.4 --no-default-features --features search)
"${CARGO:-cargo}" doc --workspace --no-deps --quiet
"$book" build --dest-dir "$PWD/target/book"
cp -R "$target/doc" target/book/api
echo "target/book/index.html; the crates are at target/book/api/vestibule_server/index.html"
