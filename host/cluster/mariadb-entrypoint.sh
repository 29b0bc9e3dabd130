#!/bin/sh
# What the official image's entrypoint does, as far as the tests need it: an empty volume is set up once with the database
# MARIADB_DATABASE and the user MARIADB_USER, then the server runs.
set -eu

# value NAME: the variable, or the contents of the file that NAME_FILE names.
value() {
    eval "text=\${$1-} file=\${$1_FILE-}"
    # shellcheck disable=SC2154 # by eval
    [ -z "$file" ] || text=$(cat "$file")
    printf '%s' "$text" | sed "s/[\\\\']/\\\\&/g"
}

data=/var/lib/mysql
if [ ! -d "$data/mysql" ]; then
    echo "setting up an empty volume"
    mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/tmp/install.log ||
        { cat /tmp/install.log; exit 1; }
fi
umask 077
cat >/tmp/init.sql <<SQL
CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;
CREATE USER IF NOT EXISTS '$MARIADB_USER'@'%' IDENTIFIED BY '$(value MARIADB_PASSWORD)';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
ALTER USER 'root'@'localhost' IDENTIFIED BY '$(value MARIADB_ROOT_PASSWORD)';
SQL
exec mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid \
    --bind-address=0.0.0.0 --skip-name-resolve --init-file=/tmp/init.sql --innodb-buffer-pool-size=128M --performance-schema=OFF
