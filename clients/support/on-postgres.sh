#!/bin/sh
# Starts Voxgate as the tests of the clients ask it to, on a database of its own: on the PostgreSQL whose URL is in
# VOXGATE_TEST_POSTGRES. The databases go with the server when the tests have ended.
set -eu

program="$(dirname "$0")/../../target/debug/voxgate"
if [ "${1:-}" != dev ]; then
  exec "$program" "$@"
fi
name="client_$$"
url=$(printf '%s' "$VOXGATE_TEST_POSTGRES" | sed "s#/postgres?#/$name?#")
psql --quiet --no-psqlrc --dbname="$VOXGATE_TEST_POSTGRES" --command="CREATE DATABASE $name" >&2
for region in eu1 us1 au1 eu2 us2; do
  psql --quiet --no-psqlrc --dbname="$url" --command="CREATE SCHEMA ledger_$region" >&2
done
VOXGATE_DEV_DATABASE_URL=$url
export VOXGATE_DEV_DATABASE_URL
exec "$program" "$@" --database-env VOXGATE_DEV_DATABASE_URL
