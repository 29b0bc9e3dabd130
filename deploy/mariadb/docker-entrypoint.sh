#!/bin/sh
# Initializes an empty volume, then becomes the server. It supports these variables of the official image:
#
#   MARIADB_ROOT_PASSWORD[_FILE]            root's password, from any host; without it root needs the container's socket
#   MARIADB_DATABASE                        a database to create
#   MARIADB_USER, MARIADB_PASSWORD[_FILE]   a user with all privileges in it
#
# They affect only the first start: existing databases are never changed. If a volume is not empty and holds no
# database, it stays unchanged and the start fails.
set -eu
data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
# This directory exists while an initialization is incomplete.
incomplete=$data/.filling-orders-mariadb

fail() { echo "mariadb: $*" >&2; exit 1; }

# value NAME: the value of the variable, or the contents of the file in NAME_FILE.
value() {
    eval "plain=\${$1-} file=\${$1_FILE-}"
    [ -z "$plain" ] || [ -z "$file" ] || fail "$1 and $1_FILE are both set: set one of them"
    [ -n "$file" ] || { printf %s "$plain"; return; }
    [ -r "$file" ] || fail "$1_FILE: cannot read $file"
    cat "$file"
}
# Quote as an SQL string and as an SQL identifier.
string() { printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }
# shellcheck disable=SC2016 # SQL's quotes
name() { printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')"; }

# printf in place of echo: echo may interpret a backslash in a password.
statement() { printf '%s;\n' "$1"; }
statements() {
    statement "FLUSH PRIVILEGES"
    statement "DELETE FROM mysql.global_priv
        WHERE User IN ('', 'PUBLIC') AND Host <> '' OR (User = 'root' AND Host <> 'localhost')"
    statement "FLUSH PRIVILEGES"
    # For the health check, which runs as the container's user.
    statement "CREATE USER IF NOT EXISTS mysql@localhost IDENTIFIED VIA unix_socket"
    if [ -n "$root_password" ]; then
        statement "ALTER USER root@localhost
            IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD($(string "$root_password"))"
        statement "CREATE USER root@'%' IDENTIFIED BY $(string "$root_password")"
        statement "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION"
    else
        statement "ALTER USER root@localhost IDENTIFIED VIA unix_socket"
    fi
    [ -z "${MARIADB_DATABASE-}" ] || statement "CREATE DATABASE $(name "$MARIADB_DATABASE") CHARACTER SET utf8mb4"
    if [ -n "${MARIADB_USER-}" ]; then
        statement "CREATE USER $(string "$MARIADB_USER")@'%' IDENTIFIED BY $(string "$password")"
        [ -z "${MARIADB_DATABASE-}" ] ||
            statement "GRANT ALL ON $(name "$MARIADB_DATABASE").* TO $(string "$MARIADB_USER")@'%'"
    fi
}

# Runs before any change, including that of the volume's owner.
reject_foreign_data() {
    [ ! -d "$data/mysql" ] && [ ! -d "$incomplete" ] || return 0
    found=$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)
    [ -z "$found" ] || fail "$data is not empty and holds no database: nothing was changed"
}

# The system tables move to their final path last: an interrupted initialization starts again from the beginning.
initialize() {
    root_password=$(value MARIADB_ROOT_PASSWORD)
    password=$(value MARIADB_PASSWORD)
    [ -z "${MARIADB_USER-}" ] || [ -n "$password" ] ||
        fail "MARIADB_USER is set, but not MARIADB_PASSWORD or MARIADB_PASSWORD_FILE"
    # Remove the files of an interrupted initialization, its directory last: the removal may be interrupted, too.
    [ ! -d "$incomplete" ] ||
        find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$incomplete" -exec rm -rf {} +
    rm -rf "$incomplete"
    mkdir "$incomplete"
    echo "mariadb: initializing the empty volume" >&2
    mariadb-install-db --no-defaults --datadir="$incomplete" --auth-root-authentication-method=normal --skip-test-db \
        --skip-name-resolve >/tmp/install.log 2>&1 || { cat /tmp/install.log >&2; fail "mariadb-install-db failed"; }
    statements | mariadbd --no-defaults --datadir="$incomplete" --bootstrap >/tmp/install.log 2>&1 ||
        { cat /tmp/install.log >&2; fail "the first statements failed"; }
    ! grep -q ERROR /tmp/install.log || { cat /tmp/install.log >&2; fail "the first statements failed"; }
    find "$incomplete" -mindepth 1 -maxdepth 1 ! -name mysql -exec mv {} "$data" \;
    sync
    mv "$incomplete/mysql" "$data/mysql"
}

case ${1-} in
mariadbd) shift ;;
-* | '') ;;
*) exec "$@" ;;
esac
reject_foreign_data
if [ "$(id -u)" = 0 ]; then
    chown mysql:mysql "$data" /run/mysqld
    # Only root may be able to read the passwords' files.
    MARIADB_PASSWORD=$(value MARIADB_PASSWORD)
    MARIADB_ROOT_PASSWORD=$(value MARIADB_ROOT_PASSWORD)
    export MARIADB_PASSWORD MARIADB_ROOT_PASSWORD
    unset MARIADB_PASSWORD_FILE MARIADB_ROOT_PASSWORD_FILE
    exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" mariadbd "$@"
fi
[ -d "$data/mysql" ] || initialize
rm -rf "$incomplete"
unset MARIADB_PASSWORD MARIADB_ROOT_PASSWORD
exec mariadbd --datadir="$data" --socket="$socket" --pid-file=/run/mysqld/mysqld.pid --bind-address=0.0.0.0 \
    --skip-name-resolve --skip-log-bin "$@"
