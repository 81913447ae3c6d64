#!/bin/sh
# Builds the version of a commit, once, and has the recorded exchanges of tests/golden answered by it and by this one in turns, on one PostgreSQL
# that it made the tables of: upgrade.sh [COMMIT]
#
# Without one it is the last commit of the main line before the newest step of the tables: the version that is replaced when they change.
set -eu
cd "$(dirname "$0")/.."
commit=${1:-}
if [ -z "$commit" ]; then
    step=$(find crates/store/migrations/postgres -name '*.sql' | sort | tail -n 1)
    came=$(git log --first-parent --diff-filter=A -n 1 --format=%H -- "$step")
    [ -n "$came" ] || { echo "upgrade.sh: $step is not committed yet; name a commit" >&2; exit 2; }
    commit=$came^1
fi
commit=$(git rev-parse --verify --quiet "$commit^{commit}") || { echo "upgrade.sh: there is no commit '$1'" >&2; exit 2; }
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/upgrade"
place=$(cd "$target/upgrade" && pwd)
if [ ! -x "$place/vestibule-$commit" ]; then
    rm -rf "$place/source"
    mkdir "$place/source"
    # Dated now: by the dates of its commit, cargo takes what it made of a later one for what this one makes.
    git archive "$commit" | tar -x -m -C "$place/source"
    (cd "$place/source" && VESTIBULE_COMMIT=$commit CARGO_TARGET_DIR="$place/target" "${CARGO:-cargo}" build --quiet --package vestibule)
    mv "$place/target/debug/vestibule" "$place/vestibule-$commit"
    rm -rf "$place/source"
fi
echo "the other build is $(git log -1 --format='%h of %cs, %s' "$commit")"
VESTIBULE_OTHER_BUILD="$place/vestibule-$commit" "${CARGO:-cargo}" test --quiet --package vestibule --test it -- --ignored --nocapture golden::side_by_side::
