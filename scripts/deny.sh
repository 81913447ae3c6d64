#!/bin/sh
# Licences, sources and banned crates. Advisories are not asked for: that would need a network nobody promised.
set -eu
cd "$(dirname "$0")/.."
# Also crates that other platforms alone need are looked at, and nobody has built those.
"${CARGO:-cargo}" fetch --quiet --locked
deny=$(scripts/cargo-tool.sh cargo-deny 0.20.2)
exec "$deny" --offline check bans licenses sources
