#!/bin/sh
# Fuzzes every target for VESTIBULE_FUZZ_SECONDS each. Sanitizers need the compiler's unstable flags, which RUSTC_BOOTSTRAP unlocks on
# a stable toolchain; the fuzzed build has a target directory of its own. VESTIBULE_FUZZ_SEED makes runs alike (0: none is). A target that
# finds something does not keep the others from running; the exit status says that one did.
set -eu
cd "$(dirname "$0")/.."
seconds=${VESTIBULE_FUZZ_SECONDS:-60}
seed=${VESTIBULE_FUZZ_SEED:-0}
fuzz=$(scripts/cargo-tool.sh cargo-fuzz 0.13.2)
RUSTC_BOOTSTRAP=1
export RUSTC_BOOTSTRAP
scripts/packages.sh g++:c++
"$fuzz" build --fuzz-dir tests/fuzz
failed=
for file in tests/fuzz/targets/*.rs; do
    target=$(basename "$file" .rs)
    mkdir -p "tests/fuzz/corpus/$target" "tests/fuzz/seeds/$target"
    if "$fuzz" run --fuzz-dir tests/fuzz "$target" "tests/fuzz/corpus/$target" "tests/fuzz/seeds/$target" -- \
        -seed="$seed" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=0; then
        echo "fuzzed $target for $seconds s"
    else
        failed="$failed $target"
    fi
done
[ -z "$failed" ] || { echo "fuzzing found something:$failed" >&2; exit 1; }
