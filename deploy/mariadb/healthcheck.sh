#!/bin/sh
# Healthy once the server that serves (not the one that fills an empty volume) answers. The official image's options are taken
# and not looked at: this is all of --connect and --innodb_initialized.
exec mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user="$(id -un)" --connect-timeout=2 \
    --execute='SELECT 1 FROM information_schema.ENGINES WHERE engine = "innodb" AND support IN ("YES", "DEFAULT")' >/dev/null
