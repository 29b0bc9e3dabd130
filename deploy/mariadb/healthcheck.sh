#!/bin/sh
# Healthy once the server responds that serves clients, not the one that initializes an empty volume. The options of the
# official image are ignored: this check covers --connect and --innodb_initialized.
exec mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user="$(id -un)" --connect-timeout=2 \
    --execute='SELECT 1 FROM information_schema.ENGINES
        WHERE engine = "innodb" AND support IN ("YES", "DEFAULT")' >/dev/null
