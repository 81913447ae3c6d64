#!/bin/sh
# Runs once, when the primary is made: a role for the nodes that may make its own schema and nothing else, and one for the standby.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres <<SQL
-- The standby that commits wait for copies this server later.
SET synchronous_commit = local;
CREATE ROLE vestibule LOGIN PASSWORD '$POSTGRES_PASSWORD';
CREATE ROLE standby LOGIN REPLICATION PASSWORD '$POSTGRES_PASSWORD';
CREATE DATABASE identity OWNER vestibule ENCODING 'UTF8' TEMPLATE template0;
SQL
echo 'host replication standby all scram-sha-256' >>"$PGDATA/pg_hba.conf"
