#!/bin/sh
# Fills an empty volume once, then becomes the server. The official image's variables, as far as they go here:
#
#   MARIADB_ROOT_PASSWORD[_FILE]   root's password, from everywhere; without it root is reached by the container's socket only
#   MARIADB_DATABASE               a database that is created
#   MARIADB_USER, MARIADB_PASSWORD[_FILE]   a user who may do everything in it
#
# They count for the first start only: what is in the volume is never changed. A volume that is not empty and holds no database is
# somebody's mistake, and not touched.
set -eu
data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
# There from the first step of a fill to its last.
filling=$data/.filling-orders-mariadb

fail() { echo "mariadb: $*" >&2; exit 1; }

# value NAME: the variable's value, or what is in the file that NAME_FILE names.
value() {
    eval "plain=\${$1-} file=\${$1_FILE-}"
    [ -z "$plain" ] || [ -z "$file" ] || fail "$1 and $1_FILE are both set: one of them"
    [ -n "$file" ] || { printf %s "$plain"; return; }
    [ -r "$file" ] || fail "$1_FILE: cannot read $file"
    cat "$file"
}
# As an SQL string, as an SQL name.
string() { printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }
# shellcheck disable=SC2016 # SQL's quotes
name() { printf '`%s`' "$(printf %s "$1" | sed 's/`/``/g')"; }

# printf, not echo: a backslash in a password is a backslash.
statements() {
    printf '%s\n' "FLUSH PRIVILEGES;"
    printf '%s\n' "DELETE FROM mysql.global_priv WHERE User IN ('', 'PUBLIC') AND Host <> '' OR (User = 'root' AND Host <> 'localhost');"
    printf '%s\n' "FLUSH PRIVILEGES;"
    # Who may enter the container as its own user, to ask for the server's health.
    printf '%s\n' "CREATE USER IF NOT EXISTS mysql@localhost IDENTIFIED VIA unix_socket;"
    if [ -n "$root_password" ]; then
        printf '%s\n' "ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD($(string "$root_password"));"
        printf '%s\n' "CREATE USER root@'%' IDENTIFIED BY $(string "$root_password");"
        printf '%s\n' "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    else
        printf '%s\n' "ALTER USER root@localhost IDENTIFIED VIA unix_socket;"
    fi
    [ -z "${MARIADB_DATABASE-}" ] || printf '%s\n' "CREATE DATABASE $(name "$MARIADB_DATABASE") CHARACTER SET utf8mb4;"
    if [ -n "${MARIADB_USER-}" ]; then
        printf '%s\n' "CREATE USER $(string "$MARIADB_USER")@'%' IDENTIFIED BY $(string "$password");"
        [ -z "${MARIADB_DATABASE-}" ] || printf '%s\n' "GRANT ALL ON $(name "$MARIADB_DATABASE").* TO $(string "$MARIADB_USER")@'%';"
    fi
}

# Before anything is changed, the volume's owner included.
refuse_what_is_not_ours() {
    [ ! -d "$data/mysql" ] && [ ! -d "$filling" ] || return 0
    found=$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)
    [ -z "$found" ] || fail "$data is not empty and holds no database: nothing is touched"
}

# The system tables are moved into their place last: a start that is cut off in between begins again with nothing.
fill() {
    root_password=$(value MARIADB_ROOT_PASSWORD)
    password=$(value MARIADB_PASSWORD)
    [ -z "${MARIADB_USER-}" ] || [ -n "$password" ] || fail "MARIADB_USER is set, MARIADB_PASSWORD or MARIADB_PASSWORD_FILE is not"
    # What a fill that was cut off left; its mark goes last, so that this may be cut off too.
    [ ! -d "$filling" ] || find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found ! -path "$filling" -exec rm -rf {} +
    rm -rf "$filling"
    mkdir "$filling"
    echo "mariadb: filling the empty volume" >&2
    mariadb-install-db --no-defaults --datadir="$filling" --auth-root-authentication-method=normal --skip-test-db \
        --skip-name-resolve >/tmp/install.log 2>&1 || { cat /tmp/install.log >&2; fail "mariadb-install-db failed"; }
    statements | mariadbd --no-defaults --datadir="$filling" --bootstrap >/tmp/install.log 2>&1 ||
        { cat /tmp/install.log >&2; fail "the first statements failed"; }
    ! grep -q ERROR /tmp/install.log || { cat /tmp/install.log >&2; fail "the first statements failed"; }
    find "$filling" -mindepth 1 -maxdepth 1 ! -name mysql -exec mv {} "$data" \;
    sync
    mv "$filling/mysql" "$data/mysql"
}

case ${1-} in
mariadbd) shift ;;
-* | '') ;;
*) exec "$@" ;;
esac
refuse_what_is_not_ours
if [ "$(id -u)" = 0 ]; then
    chown mysql:mysql "$data" /run/mysqld
    # The password's file may be readable by root only.
    MARIADB_PASSWORD=$(value MARIADB_PASSWORD)
    MARIADB_ROOT_PASSWORD=$(value MARIADB_ROOT_PASSWORD)
    export MARIADB_PASSWORD MARIADB_ROOT_PASSWORD
    unset MARIADB_PASSWORD_FILE MARIADB_ROOT_PASSWORD_FILE
    exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" mariadbd "$@"
fi
[ -d "$data/mysql" ] || fill
rm -rf "$filling"
unset MARIADB_PASSWORD MARIADB_ROOT_PASSWORD
exec mariadbd --datadir="$data" --socket="$socket" --pid-file=/run/mysqld/mysqld.pid --bind-address=0.0.0.0 \
    --skip-name-resolve --skip-log-bin "$@"
