#!/bin/sh
# Fuzzes one built target, which fuzz.sh says where to find and for how long: fuzz-one.sh <target>
set -eu
cd "$(dirname "$0")/.."
corpus=tests/fuzz/corpus/$1 seeds=tests/fuzz/seeds/$1 found=tests/fuzz/artifacts/$1
mkdir -p "$corpus" "$seeds" "$found"
if said=$("$VESTIBULE_FUZZ_BUILT/$1" "$corpus" "$seeds" -seed="$VESTIBULE_FUZZ_SEED" -max_total_time="$VESTIBULE_FUZZ_SECONDS" \
    -max_len=8192 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=0 -artifact_prefix="$found/" 2>&1); then
    echo "fuzzed $1 for $VESTIBULE_FUZZ_SECONDS s"
else
    printf '%s\nfuzzing %s found something\n' "$said" "$1" >&2
    exit 1
fi
