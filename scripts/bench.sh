#!/bin/sh
# Builds the release binary and prints its figures as one table. Arguments go to the bench: --json FILE, --only SUBJECT, --rounds N.
# With --peer kratos, Ory Kratos is built from its Go module and measured in turns with ours; --peer FILE names its program.
# With --reference argon2, the C reference of Argon2 is built for this processor and measured in turns with our hash.
set -eu
cd "$(dirname "$0")/.."
before=
for argument; do
    shift
    if [ "$before $argument" = '--peer kratos' ]; then argument=$(scripts/peer.sh kratos); fi
    if [ "$before $argument" = '--reference argon2' ]; then argument=$(scripts/argon2.sh); fi
    before=$argument
    set -- "$@" "$argument"
done
scripts/packages.sh gcc:cc libc6-dev:/usr/include/stdio.h openssl:openssl util-linux:taskset util-linux:setpriv postgresql:/usr/lib/postgresql haproxy:/usr/sbin/haproxy
"${CARGO:-cargo}" build --release --quiet --package vestibule --package vestibule-bench
scripts/size.sh

# A thousand newcomers have a connection each, at the load and at the server.
# shellcheck disable=SC3045
ulimit -n "$(ulimit -H -n)"

# The load stays off the core that the server is held on.
target=${CARGO_TARGET_DIR:-target}
cores=$(nproc)
if [ "$cores" -gt 1 ]; then
    exec taskset --cpu-list "1-$((cores - 1))" "$target/release/vestibule-bench" --server "$target/release/vestibule" "$@"
fi
exec "$target/release/vestibule-bench" --server "$target/release/vestibule" "$@"
