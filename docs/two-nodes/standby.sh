#!/bin/sh
# A standby that copies the primary when it has nothing yet, and follows it.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    pg_basebackup -h one -U standby -D "$PGDATA" -R -X stream -c fast
    chmod 700 "$PGDATA"
fi
# By this name the primary knows it and waits for it.
exec postgres -c 'listen_addresses=*' -c cluster_name=two -c synchronous_standby_names=
