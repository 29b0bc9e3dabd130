#!/bin/sh
# Backs up and restores the database of DATABASE_URL or DATABASE_URL_FILE, with MariaDB's own client programs.
#
#   backup.sh backup DIRECTORY   writes a consistent snapshot into DIRECTORY/orders-YYYYMMDDTHHMMSSZ.sql.gz, and prints
#                                that name
#   backup.sh restore FILE       fills an empty database from it; refuses a database that has tables
#
# DATABASE_CA_FILE   the authority that signed the server's certificate, with ?require_ssl=true in the URL
# BACKUP_KEEP        how many backups stay in DIRECTORY; older ones are removed (0, the default, keeps all)
# BACKUP_BINLOG      true: writes the position in the server's binary log into the backup, for a recovery to a point in
#                    time. The account then needs RELOAD and BINLOG MONITOR.
set -eu
umask 077
fail() { echo "backup: $*" >&2; exit 1; }

work=$(mktemp -d)
partial=
trap 'rm -rf "$work" ${partial:+"$partial"}' EXIT
trap 'exit 143' HUP INT TERM

# decode TEXT: replaces %XX, as in a URL. printf's %b reads \0NNN, three octal digits.
decode() {
    rest=$1
    decoded=
    while :; do
        case $rest in
        *%[0-9A-Fa-f][0-9A-Fa-f]*)
            head=${rest%%%[0-9A-Fa-f][0-9A-Fa-f]*}
            tail=${rest#"$head"%}
            hex=$(printf '%.2s' "$tail")
            # The dot keeps a decoded line feed.
            byte=$(printf %b. "\\0$(printf %03o "0x$hex")")
            decoded=$decoded$head${byte%.}
            rest=${tail#??}
            ;;
        *)
            decoded=$decoded$rest
            return
            ;;
        esac
    done
}

# An option file's value in double quotes.
quoted() { printf '"%s"\n' "$(printf %s "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')"; }

# Reads the URL, mysql://user:password@host:port/database?parameters, into an option file: other users of the machine
# can read command lines. Sets `database`.
read_url() {
    [ -z "${DATABASE_URL-}" ] || [ -z "${DATABASE_URL_FILE-}" ] ||
        fail "DATABASE_URL_FILE is set as well as DATABASE_URL; set one of them"
    url=${DATABASE_URL-}
    [ -z "${DATABASE_URL_FILE-}" ] || url=$(cat "$DATABASE_URL_FILE") || fail "cannot read DATABASE_URL_FILE"
    case $url in
    mysql://*/*) ;;
    '') fail "DATABASE_URL is not set, and DATABASE_URL_FILE is not" ;;
    *) fail "the database URL is not mysql://user:password@host:port/database" ;;
    esac
    url=${url#mysql://}
    parameters=
    case $url in *\?*) parameters=${url#*\?} url=${url%%\?*} ;; esac
    decode "${url#*/}"
    database=$decoded
    authority=${url%%/*}
    account=
    case $authority in *@*) account=${authority%@*} authority=${authority##*@} ;; esac
    password=
    case $account in *:*) password=${account#*:} account=${account%%:*} ;; esac
    port=3306
    case $authority in
    \[*\]:*) port=${authority##*\]:} authority=${authority%\]:*} ;;
    \[*\]) ;;
    *:*) port=${authority##*:} authority=${authority%:*} ;;
    esac
    authority=${authority#\[}
    authority=${authority%\]}
    if [ -z "$database" ] || [ -z "$authority" ]; then fail "the database URL names no host or no database"; fi
    {
        printf '[client]\nprotocol=tcp\nhost=%s\nport=%s\n' "$(quoted "$authority")" "$port"
        decode "$account"
        [ -z "$decoded" ] || printf 'user=%s\n' "$(quoted "$decoded")"
        decode "$password"
        [ -z "$decoded" ] || printf 'password=%s\n' "$(quoted "$decoded")"
        case "&$parameters&" in
        *"&require_ssl=true&"*)
            echo "ssl-verify-server-cert"
            [ -z "${DATABASE_CA_FILE-}" ] || printf 'ssl-ca=%s\n' "$(quoted "$DATABASE_CA_FILE")"
            ;;
        # Without TLS, as the service itself connects.
        *) echo "skip-ssl" ;;
        esac
    } >"$work/client.cnf"
}

back_up() {
    directory=$1
    [ -d "$directory" ] || mkdir -p "$directory" || fail "cannot create $directory"
    file=$directory/orders-$(date -u +%Y%m%dT%H%M%SZ).sql.gz
    [ ! -e "$file" ] || fail "$file exists already"
    partial=$file.partial
    set -- --single-transaction --quick --skip-lock-tables --hex-blob --no-tablespaces --default-character-set=utf8mb4
    [ "${BACKUP_BINLOG:-false}" != true ] || set -- "$@" --master-data=2
    { mariadb-dump --defaults-extra-file="$work/client.cnf" "$@" -- "$database" || echo failed >"$work/failed"; } |
        gzip >"$partial"
    [ ! -e "$work/failed" ] || fail "mariadb-dump failed (above); nothing was kept"
    # A full disk or a lost connection leaves an incomplete file.
    gzip --decompress --stdout "$partial" | tail -n 1 | grep -q '^-- Dump completed' ||
        fail "the dump is incomplete; nothing was kept"
    sync
    mv "$partial" "$file"
    partial=
    echo "$file"
    [ "${BACKUP_KEEP:-0}" -eq 0 ] || remove_old "$directory" "$BACKUP_KEEP"
}

# Keeps the newest ones: the names sort by time.
remove_old() {
    find "$1" -maxdepth 1 -name 'orders-*.sql.gz' | LC_ALL=C sort -r | tail -n "+$(($2 + 1))" |
        while IFS= read -r old; do rm -f -- "$old"; done
}

client() { mariadb --defaults-extra-file="$work/client.cnf" --batch --skip-column-names "$@"; }

restore() {
    [ -r "$1" ] || fail "cannot read $1"
    # The checksum first: the pipelines below do not have gzip's status.
    gzip --test "$1" || fail "$1 is not a complete backup"
    gzip --decompress --stdout "$1" | tail -n 1 | grep -q '^-- Dump completed' || fail "$1 is not a complete backup"
    tables=$(client --execute="SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()" \
        -- "$database") || fail "the database cannot be read (above)"
    [ "$tables" = 0 ] || fail "the database has $tables tables: nothing was changed. Restore into an empty database"
    gzip --decompress --stdout "$1" | client -- "$database" ||
        fail "the restore failed (above). The database may hold a part: drop it, and start again with an empty one"
    echo "restored from $1"
}

case ${1-}:$# in
backup:2 | restore:2)
    read_url
    if [ "$1" = backup ]; then back_up "$2"; else restore "$2"; fi
    ;;
*) fail "usage: backup.sh backup DIRECTORY | restore FILE" ;;
esac
