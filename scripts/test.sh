#!/bin/sh
# All tests, then the fuzz targets for VESTIBULE_FUZZ_SECONDS each (default 5), built in little time and from the same seed each time. Both
# run whatever becomes of the other; the exit status is a failure when one of them failed.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0
"${CARGO:-cargo}" test --workspace --quiet --no-fail-fast || status=1
VESTIBULE_FUZZ_SEED=1 VESTIBULE_FUZZ_SECONDS=${VESTIBULE_FUZZ_SECONDS:-5} VESTIBULE_FUZZ_QUICK=1 scripts/fuzz.sh || status=1
[ "$status" -eq 0 ] || echo "make test: something failed; see above" >&2
exit "$status"
