#!/bin/sh
# Backs up the service's database, and fills an empty one from a backup (docs/OPERATIONS.md).
#
#   scripts/backup.sh backup [DIRECTORY]   writes a consistent snapshot into DIRECTORY (default: backups/), and prints
#                                          its name
#   scripts/backup.sh restore FILE         into an empty database only
#
# The database is that of DATABASE_URL or DATABASE_URL_FILE; without them that of a running `make run`.
# deploy/kubernetes/components/backup/backup.sh does the work, also in the CronJob, and lists its other variables.
set -eu
cd "$(dirname "$0")/.."
fail() { echo "backup: $*" >&2; exit 1; }

for program in mariadb mariadb-dump gzip; do
    command -v "$program" >/dev/null 2>&1 || fail "$program is missing: scripts/deps.sh backup"
done
if [ -z "${DATABASE_URL-}${DATABASE_URL_FILE-}" ]; then
    [ -r .run/database-url ] || fail "no database: set DATABASE_URL or DATABASE_URL_FILE, or start make run first"
    export DATABASE_URL_FILE=.run/database-url
fi
case ${1-}:$# in
backup:1 | backup:2) exec deploy/kubernetes/components/backup/backup.sh backup "${2:-backups}" ;;
restore:2)
    [ -n "$2" ] || fail "FILE is missing: make restore FILE=backups/orders-….sql.gz"
    exec deploy/kubernetes/components/backup/backup.sh restore "$2"
    ;;
*) fail "usage: scripts/backup.sh backup [DIRECTORY] | restore FILE" ;;
esac
