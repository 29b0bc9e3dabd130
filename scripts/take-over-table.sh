#!/bin/sh
# Takes over the table `orders` of the article's service (money in FLOAT, no key): docs/FROM-THE-ARTICLE.md.
#
#   DATABASE_URL=mysql://user:password@host:port/database scripts/take-over-table.sh [OPTION …]
#   scripts/take-over-table.sh [OPTION …] -- CLIENT-OPTION … DATABASE
#
#   (no option)   shows what it would change and which rows it cannot keep; changes nothing
#   --apply       does it; refuses while there is a row that it cannot keep
#   --set-aside   moves such rows to a table orders_set_aside, each with its reasons
#   --all-rows    lists all such rows, not only the first 50
#
# Environment: DATABASE_URL or DATABASE_URL_FILE; DATABASE_CA_FILE for a URL with ?require_ssl=true;
# MYSQL_CLIENT, the client and its first arguments ("docker exec -i db mariadb"; without it mariadb or mysql).
# Status: 0 done, or nothing stands in the way; 1 refused or failed, nothing changed; 2 wrong usage.
set -eu
cd "$(dirname "$0")/.."

migration=migrations/0001_orders.sql
apply=no
set_aside=no
shown=50

say() { printf 'take-over: %s\n' "$*"; }
fail() { printf 'take-over: %s\n' "$*" >&2; exit 1; }
usage() { printf 'take-over: %s\n' "$*" >&2; sed -n '4,5p' "$0" | sed 's/^#//' >&2; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
    --apply) apply=yes ;;
    --set-aside) set_aside=yes ;;
    --all-rows) shown=18446744073709551615 ;;
    --help | -h) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; break ;;
    *) usage "unknown option $1" ;;
    esac
    shift
done

# decoded TEXT: with its %41 as A.
decoded() {
    printf '%b' "$(printf '%s' "$1" | sed 's/\\/\\\\/g' | LC_ALL=C awk '{
        while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
            high = index("0123456789abcdef", tolower(substr($0, RSTART + 1, 1))) - 1
            low = index("0123456789abcdef", tolower(substr($0, RSTART + 2, 1))) - 1
            printf "%s\\0%03o", substr($0, 1, RSTART - 1), high * 16 + low
            $0 = substr($0, RSTART + 3)
        }
        printf "%s", $0
    }')"
}

# Without client options: the URL's parts become options, the password goes through the environment.
if [ $# -eq 0 ]; then
    url=${DATABASE_URL:-}
    if [ -z "$url" ] && [ -n "${DATABASE_URL_FILE:-}" ]; then url=$(cat "$DATABASE_URL_FILE"); fi
    case $url in
    mysql://*@*/*) ;;
    '') usage "no database: set DATABASE_URL, or give the client's options after --" ;;
    *) usage "DATABASE_URL is not like mysql://user:password@host:port/database" ;;
    esac
    rest=${url#mysql://}
    parameters=
    case $rest in *\?*) parameters=${rest#*\?} rest=${rest%%\?*} ;; esac
    database=${rest##*/}
    rest=${rest%/*}
    address=${rest##*@}
    account=${rest%@*}
    port=3306
    case $address in
    *\]:*) port=${address##*:} address=${address%:*} ;;
    *\]) ;;
    *:*) port=${address##*:} address=${address%:*} ;;
    esac
    address=${address#\[}
    [ -n "$database" ] || usage "DATABASE_URL names no database"
    set -- --protocol=tcp "--host=${address%\]}" "--port=$port" "--user=$(decoded "${account%%:*}")"
    case $account in *:?*) MYSQL_PWD=$(decoded "${account#*:}"); export MYSQL_PWD ;; esac
    case "&$parameters&" in
    *'&require_ssl=true&'*)
        set -- "$@" --ssl --ssl-verify-server-cert
        [ -z "${DATABASE_CA_FILE:-}" ] || set -- "$@" "--ssl-ca=$DATABASE_CA_FILE"
        ;;
    esac
    set -- "$@" "$(decoded "$database")"
fi

if [ -n "${MYSQL_CLIENT:-}" ]; then program=$MYSQL_CLIENT
elif command -v mariadb >/dev/null 2>&1; then program=mariadb
else program=mysql; fi
# Where no TLS is asked for, the client of MariaDB would warn at each call that it checks no certificate.
case "${account+&${parameters-}&}" in
'' | *'&require_ssl=true&'*) ;;
*) case $($program --version) in *MariaDB*) set -- --disable-ssl-verify-server-cert "$@" ;; esac ;;
esac
# The client's arguments, as the functions below need "$@" for themselves.
arguments=$(for argument in "$@"; do printf "'%s' " "$(printf '%s' "$argument" | sed "s/'/'\\\\''/g")"; done)

# Strict: a value that does not fit is an error. Without modes that change how quotes and backslashes are read.
session="SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', lock_wait_timeout = 30;"

# sql TEXT: runs it in one session; the rows, fields separated by tabs. Ends at the first error.
sql() {
    eval "set -- \"\$1\" $arguments"
    statements=$1
    shift
    # shellcheck disable=SC2086 # MYSQL_CLIENT may hold several words
    printf '%s\n%s\n' "$session" "$statements" |
        $program --default-character-set=utf8mb4 --batch --skip-column-names "$@"
}

# cents COLUMN: the amount in cents that is nearest to the FLOAT. Arithmetic in DOUBLE keeps all digits of it.
cents() { printf 'CAST(%s + 0e0 AS DECIMAL(14, 2))' "$1"; }

# money COLUMN: why this amount cannot be kept, or NULL. It can be kept if exactly one amount in cents has this FLOAT
# value.
money() {
    c=$1
    cat <<SQL
CASE WHEN $c IS NULL THEN '$c is NULL'
     WHEN $c < 0 THEN '$c is negative'
     WHEN $c > 9999999999.99 THEN '$c is above 9999999999.99'
     WHEN NOT ($c = CAST($(cents "$c") AS FLOAT)) THEN '$c has more than two decimals'
     WHEN $c = CAST($(cents "$c") + 0.01 AS FLOAT) OR $c = CAST($(cents "$c") - 0.01 AS FLOAT)
          THEN '$c is one FLOAT for two or more amounts in cents' END
SQL
}

# number COLUMN: the same for a whole number.
number() {
    printf "CASE WHEN %s IS NULL THEN '%s is NULL' WHEN %s < 1 THEN '%s is not positive'
        WHEN %s > 4294967295 THEN '%s is above 4294967295' END" "$1" "$1" "$1" "$1" "$1" "$1"
}

# one TEXT: the first row; fails as the client does, which a pipe would hide.
one() {
    rows=$(sql "$1") || return
    printf '%s\n' "$rows" | head -n 1
}

here=$(one "SELECT DATABASE();") || fail "the database does not answer"
[ "$here" != NULL ] || usage "name the database after the client's options"

columns_like() {
    one "SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'orders' AND $1;"
}
[ "$(one "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'orders' AND table_type = 'BASE TABLE';")" = 1 ] ||
    fail "database $here has no table orders"
if [ "$(columns_like "column_name IN ('amount', 'shipping', 'tax') AND column_type = 'decimal(12,2)'")" = 3 ]; then
    say "the table orders of database $here has its money in DECIMAL(12,2): there is nothing to take over"
    exit 0
fi
known="CASE
    WHEN column_name IN ('order_id', 'product_id', 'quantity') THEN data_type IN ('smallint', 'mediumint', 'int', 'bigint')
    WHEN column_name IN ('amount', 'shipping', 'tax') THEN data_type = 'float'
    ELSE column_name = 'shipping_address' AND data_type IN ('char', 'varchar', 'text') END"
if [ "$(columns_like "$known")" != 7 ] || [ "$(columns_like 1)" != 7 ]; then
    sql "SELECT CONCAT('  ', column_name, ' ', column_type) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'orders' ORDER BY ordinal_position;" >&2
    fail "the table orders of database $here is not the article's:" \
        "order_id, product_id, quantity INT, amount, shipping, tax FLOAT, shipping_address VARCHAR"
fi
tied=$(sql "SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers
        WHERE event_object_schema = DATABASE() AND event_object_table = 'orders';
    SELECT CONCAT('foreign key ', constraint_name, ' of ', table_name) FROM information_schema.key_column_usage
        WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
            AND 'orders' IN (table_name, referenced_table_name);")
[ -z "$tied" ] || fail "these belong to the old table and would stay with it; drop them first: $tied"
taken=$(sql "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
    AND table_name IN ('orders_takeover', 'orders_before_takeover', 'orders_set_aside');")
[ -z "$taken" ] || fail "left from an earlier run, drop or rename it first: $(printf '%s' "$taken" | tr '\n' ' ')"
later=$(grep -lE '\b(TABLE|INTO|UPDATE|ON) +orders\b' migrations/*.sql | grep -vF "$migration" || true)
[ -z "$later" ] || fail "this script knows only $migration, and the table is changed by $later too"

character_set=$(one "SELECT character_set_name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'orders' AND column_name = 'shipping_address';")
address='CONVERT(shipping_address USING utf8mb4)'
# What Unicode calls a control character or white space, as the service does.
reasons="CONCAT_WS('; ', $(number order_id), IF(order_id IS NOT NULL AND copies > 1, 'order_id is not unique', NULL),
    $(number product_id), $(number quantity),
    $(money amount), $(money shipping), $(money tax),
    CASE WHEN shipping_address IS NULL THEN 'shipping_address is NULL'
         WHEN $address REGEXP '\\\\p{Cc}' THEN 'shipping_address has a control character'
         WHEN NOT ($address REGEXP '[^\\\\p{Z}]') THEN 'shipping_address is empty or blank'
         WHEN CHAR_LENGTH(shipping_address) > 255 THEN 'shipping_address has more than 255 characters'
         WHEN CAST(CONVERT($address USING $character_set) AS BINARY) <> CAST(shipping_address AS BINARY)
         THEN 'shipping_address is another text after a conversion to utf8mb4 and back' END)"
# Each row of the old table with its reasons; an empty text where it can be kept.
judged="(SELECT o.*, $reasons AS reasons FROM
    (SELECT orders.*, COUNT(*) OVER (PARTITION BY order_id) AS copies FROM orders) AS o) AS judged"

# What would change.
total=$(one "SELECT COUNT(*) FROM orders;")
bad=$(one "SELECT COUNT(*) FROM $judged WHERE reasons <> '';")
keep=$((total - bad))
say "database $here, table orders: $total rows, of which $keep can be kept and $bad cannot"
if [ "$bad" -gt 0 ]; then
    say "rows that cannot be kept, by reason:"
    sql "SELECT CONCAT('  ', COUNT(*), ' × ', reasons) FROM $judged WHERE reasons <> ''
        GROUP BY reasons ORDER BY COUNT(*) DESC, reasons;"
    say "these rows (at most $shown; order_id, product_id, quantity, amount, shipping, tax, shipping_address: reasons):"
    sql "SELECT CONCAT('  ', CONCAT_WS(', ',
            COALESCE(order_id, 'NULL'), COALESCE(product_id, 'NULL'), COALESCE(quantity, 'NULL'),
            COALESCE(amount + 0e0, 'NULL'), COALESCE(shipping + 0e0, 'NULL'), COALESCE(tax + 0e0, 'NULL'),
            COALESCE(CONCAT('\"', $address, '\"'), 'NULL')), ': ', reasons)
        FROM $judged WHERE reasons <> '' ORDER BY order_id LIMIT $shown;"
fi
say "the columns, now and then:"
sql "SELECT CONCAT('  ', RPAD(column_name, 18, ' '),
        RPAD(CONCAT(column_type, COALESCE(CONCAT(' ', character_set_name), '')), 24, ' '), ' → ',
        CASE WHEN column_name = 'order_id' THEN 'int unsigned, primary key'
             WHEN data_type = 'float' THEN 'decimal(12,2)'
             WHEN column_name = 'shipping_address' THEN 'varchar(255) utf8mb4' ELSE 'int unsigned' END)
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'orders'
    ORDER BY ordinal_position;"
say "the first rows as they will be (at most 10):"
sql "SELECT CONCAT('  ', CONCAT_WS(', ', order_id, product_id, quantity,
        $(cents amount), $(cents shipping), $(cents tax), CONCAT('\"', $address, '\"')))
    FROM $judged WHERE reasons = '' ORDER BY order_id LIMIT 10;"
say "sums of the rows that can be kept: $(one "SELECT CONCAT('amount ', COALESCE(SUM($(cents amount)), 0), ', shipping ',
    COALESCE(SUM($(cents shipping)), 0), ', tax ', COALESCE(SUM($(cents tax)), 0)) FROM $judged WHERE reasons = '';")"
say "the old table stays as orders_before_takeover"
indexes=$(sql "SELECT CONCAT(index_name, ' (', GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '), ')')
    FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'orders'
        AND index_name <> 'PRIMARY' GROUP BY index_name ORDER BY index_name;")
[ -z "$indexes" ] || say "with these indexes, which the new table does not get: $(printf '%s' "$indexes" | tr '\n' ' ')"
if [ "$bad" -gt 0 ] && [ "$set_aside" = no ]; then
    fail "refused: nothing was changed. Mend or delete these rows, or move them to orders_set_aside with --set-aside"
fi
if [ "$apply" = no ]; then
    say "nothing was changed; --apply does it. Stop the service that writes to this table first"
    exit 0
fi

# From here on there is something to tidy up.
created=
# exists TABLE: status 0 yes, 1 no; ends with advice where the database does not answer.
exists() {
    found=$(sql "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '$1';") || {
        trap - EXIT
        fail "the database does not answer any more. If it then has orders_before_takeover and no orders:" \
            "RENAME TABLE orders_before_takeover TO orders"
    }
    [ "$found" = 1 ]
}
tidy() {
    [ -n "$created" ] && ! exists orders_before_takeover || return 0
    sql "DROP TABLE IF EXISTS $created;" || printf 'take-over: left behind: %s\n' "$created" >&2
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
table=$(sed 's/^CREATE TABLE IF NOT EXISTS orders ($/CREATE TABLE orders_takeover (/' "$migration")
case $table in
*'CREATE TABLE orders_takeover ('*) ;;
*) fail "$migration does not create the table orders as this script expects" ;;
esac
sql "$table" || fail "the new table could not be created; nothing was changed"
created=orders_takeover
if [ "$set_aside" = yes ]; then
    sql "CREATE TABLE orders_set_aside ENGINE = InnoDB AS
            SELECT orders.*, REPEAT('x', 1000) AS reasons FROM orders WHERE 1 = 0;" ||
        fail "the table orders_set_aside could not be created; nothing was changed"
    created=orders_takeover,orders_set_aside
fi

# ensure CONDITION: ends the session with an error unless it holds. (A statement outside of a procedure has no IF.)
ensure() {
    printf "SET @statement = IF(%s, 'DO 0', 'SELECT the_rows_differ');
        PREPARE p FROM @statement; EXECUTE p; DEALLOCATE PREPARE p;" "$1"
}

# same COLUMN: the new amount is the one amount in cents that has the old FLOAT value.
same() {
    printf 'CAST(n.%s AS FLOAT) = orders.%s AND CAST(n.%s + 0.01 AS FLOAT) <> orders.%s' "$1" "$1" "$1" "$1"
    printf ' AND CAST(n.%s - 0.01 AS FLOAT) <> orders.%s' "$1" "$1"
}
locks="orders WRITE, orders_takeover WRITE, orders_takeover AS n WRITE"
columns='order_id, product_id, quantity, amount, shipping, tax, shipping_address'
moved=
aside='SELECT 0'
if [ "$set_aside" = yes ]; then
    locks="$locks, orders_set_aside WRITE"
    moved="INSERT INTO orders_set_aside ($columns, reasons) SELECT $columns, reasons FROM $judged WHERE reasons <> '';"
    aside='SELECT COUNT(*) FROM orders_set_aside'
fi
# ALTER TABLE … RENAME keeps the locks (RENAME TABLE is refused under them). So no write comes between the copy and the
# swap: one that waits for the lock fails, because there is no table orders for a moment, or goes to the new table.
sql "SET autocommit = 0;
    LOCK TABLES $locks;
    $([ "$set_aside" = yes ] || ensure "(SELECT COUNT(*) FROM $judged WHERE reasons <> '') = 0")
    INSERT INTO orders_takeover ($columns)
        SELECT order_id, product_id, quantity, $(cents amount), $(cents shipping), $(cents tax), $address
        FROM $judged WHERE reasons = '' ORDER BY order_id;
    $moved
    $(ensure "(SELECT COUNT(*) FROM orders_takeover) + ($aside) = (SELECT COUNT(*) FROM orders)")
    $(ensure "(SELECT COUNT(*) FROM orders_takeover) = (SELECT COUNT(*)
        FROM orders JOIN orders_takeover AS n ON n.order_id = orders.order_id
        WHERE n.product_id = orders.product_id AND n.quantity = orders.quantity
          AND $(same amount) AND $(same shipping) AND $(same tax)
          AND CAST(CONVERT(n.shipping_address USING $character_set) AS BINARY)
              = CAST(orders.shipping_address AS BINARY))")
    $(ensure "(SELECT CONCAT_WS(' ', SUM(amount), SUM(shipping), SUM(tax)) FROM orders_takeover)
        = (SELECT CONCAT_WS(' ', SUM($(cents amount)), SUM($(cents shipping)), SUM($(cents tax)))
            FROM $judged WHERE reasons = '')")
    COMMIT;
    ALTER TABLE orders RENAME TO orders_before_takeover;
    ALTER TABLE orders_takeover RENAME TO orders;
    UNLOCK TABLES;" || {
    # The connection may have been lost at any point, also between the two renamings.
    exists orders_before_takeover || fail "not done; the table orders is as it was"
    if ! exists orders; then
        sql "RENAME TABLE orders_before_takeover TO orders;" && fail "not done; the table orders is as it was"
        created=
        fail "not done. The old table is orders_before_takeover: RENAME TABLE orders_before_takeover TO orders"
    fi
}
created=

say "done: $(one "SELECT CONCAT(COUNT(*), ' rows, amount ', COALESCE(SUM(amount), 0), ', shipping ', COALESCE(SUM(shipping), 0),
    ', tax ', COALESCE(SUM(tax), 0)) FROM orders;")"
say "the old table is orders_before_takeover"
[ "$set_aside" = no ] || say "the rows that could not be kept are in orders_set_aside"
