#!/bin/sh
# What the tests do with PostgreSQL, once more on other versions than Debian's: test-postgresql.sh VERSION…
#
# Of the black-box tests it is every module that starts a server, or has what is made for one from another module: found in the sources, so that
# none is forgotten.
set -eu
cd "$(dirname "$0")/.."
modules=$(grep -rlE '(store::testing::|(crate|super)::postgres[:;])' tests/it --include='*.rs' | sed -e 's|^tests/it/||' -e 's|\.rs$|::|' -e 's|/|::|g' | sort)
[ -n "$modules" ] || { echo "test-postgresql.sh: no test has anything to do with PostgreSQL" >&2; exit 1; }
for version; do
    programs=$(scripts/postgresql.sh "$version")
    echo "PostgreSQL $("$programs/postgres" --version | sed 's/^[^0-9]*//')"
    VESTIBULE_POSTGRES="$programs" "${CARGO:-cargo}" test --quiet --package vestibule-store --lib
    # shellcheck disable=SC2086
    VESTIBULE_POSTGRES="$programs" "${CARGO:-cargo}" test --quiet --package vestibule --test it -- $modules
done
