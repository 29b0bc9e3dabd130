#!/bin/sh
# Runs a step of a longer command and shows how it goes.
#
#   scripts/step.sh [--tests | --show] NAME COMMAND…
#
# On a terminal one line shows the step, a bar, the time so far, the time that it took last time, and the last line of
# its output. The whole output is shown only if the command fails. With --tests the bar counts the tests of `cargo
# test`, and only the failed ones are shown. With --show the output appears above the line. A dull terminal (TERM=dumb),
# a pipe and CI=… get the whole output between two plain lines.
#
# LOG: the file that gets the output; a temporary one otherwise. The exit status is the command's. Times are kept in
# ${XDG_CACHE_HOME:-~/.cache}/order-service/steps.
set -u
kind=
case ${1-} in --tests | --show) kind=$1 && shift ;; esac
[ $# -ge 2 ] || { echo "usage: scripts/step.sh [--tests | --show] NAME COMMAND…" >&2; exit 2; }
name=$1
shift

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
log=${LOG:-$work/output}
: >"$log"
times=${XDG_CACHE_HOME:-${HOME-/tmp}/.cache}/order-service/steps
memory=$times/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9' _)
last_seconds=0
last_tests=0
[ ! -r "$memory" ] || read -r last_seconds last_tests <"$memory"
case $last_seconds$last_tests in *[!0-9]*) last_seconds=0 last_tests=0 ;; esac

# duration SECONDS: 42 s, 3 m 10 s, 1 h 02 m
duration() {
    if [ "$1" -lt 60 ]; then
        printf '%d s' "$1"
    elif [ "$1" -lt 3600 ]; then
        printf '%d m %02d s' $(($1 / 60)) $(($1 % 60))
    else
        printf '%d h %02d m' $(($1 / 3600)) $(($1 % 3600 / 60))
    fi
}
seconds() { echo $(($(date +%s) - start)); }
tests_done() { grep -c '^test .* \.\.\. ' "$log" || true; }
last_time() { [ "$last_seconds" -eq 0 ] || printf ' (last time %s)' "$(duration "$last_seconds")"; }

# Remembers how long the step took, if it ended well.
remember() {
    mkdir -p "$times" 2>/dev/null && printf '%s %s\n' "$(seconds)" "$(tests_done)" >"$memory" 2>/dev/null
}

start=$(date +%s)
if [ ! -t 1 ] || [ "${TERM:-dumb}" = dumb ] || [ -n "${CI-}" ]; then
    printf '\n== %s%s: %s\n' "$name" "$(last_time)" "$*"
    { "$@" 2>&1; echo $? >"$work/status"; } | tee "$log"
    status=$(cat "$work/status")
    [ "$status" -ne 0 ] || remember
    printf '== %s: %s\n' "$name" "$(duration "$(seconds)")"
    exit "$status"
fi

# bar DONE ALL: twenty characters; full only at the end
bar() {
    full=0
    [ "$2" -eq 0 ] || full=$(($1 * 20 / $2))
    [ "$full" -lt 20 ] || full=19
    printf '[%.*s%.*s]' "$full" '####################' $((20 - full)) '....................'
}

# The terminal's width; 80 where it does not say.
columns() {
    width=$(stty size 2>/dev/null </dev/tty | cut -d ' ' -f 2)
    [ "${width:-0}" -gt 20 ] || width=80
    echo "$width"
}
clear_line() { printf '\r\033[K'; }

shown=0
# The output that is new, above the line.
show_new() {
    [ "$kind" = --show ] || return 0
    length=$(wc -c <"$log")
    [ "$length" -gt "$shown" ] || return 0
    clear_line
    tail -c +$((shown + 1)) "$log"
    shown=$length
}

draw() {
    elapsed=$(seconds)
    now=0
    [ "$kind" != --tests ] || now=$(tests_done)
    text=
    progress=$(bar "$elapsed" "$last_seconds")
    if [ "$now" -gt 0 ]; then
        all=$last_tests
        [ "$now" -le "$all" ] || all=0
        failed=$(grep -c '^test .* \.\.\. FAILED' "$log")
        text=$now
        [ "$all" -eq 0 ] || text="$text of $all"
        text="$text tests, "
        [ "$failed" -eq 0 ] || text="$text$failed failed, "
        progress=$(bar "$now" "$all")
    fi
    said=$(tail -n 1 "$log" | tr -d '\000-\037' | cut -c 1-100)
    line="$name $progress $text$(duration "$elapsed")$(last_time)  $said"
    clear_line
    printf '%s' "$line" | cut -c "1-$(($(columns) - 1))" | tr -d '\n'
}

# In the background, so that the line can be drawn. A shell switches Ctrl-C off there; it is meant for the command. It
# is left to the terminal, because dash loses signals that arrive while it starts a program.
env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
pid=$!
stopped=no
trap 'stopped=yes' INT
trap 'stopped=yes; kill -s TERM "$pid" 2>/dev/null' TERM HUP
while kill -0 "$pid" 2>/dev/null; do
    show_new
    draw
    sleep 0.5
done
wait "$pid"
status=$?
show_new
clear_line
tests=$(tests_done)
summary="$([ "$kind" != --tests ] || printf '%s tests, ' "$tests")$(duration "$(seconds)")$(last_time)"
if [ "$status" -eq 0 ]; then
    remember
    printf 'ok      %s: %s\n' "$name" "$summary"
    exit 0
fi
# 130: the status of a shell or a program that Ctrl-C has ended.
if [ "$stopped" = yes ] || [ "$status" -eq 130 ]; then
    printf '%s: stopped after %s\n' "$name" "$(duration "$(seconds)")"
    exit 130
fi
if [ "$kind" = --tests ] && [ "$tests" -gt 0 ]; then
    sed -n '/^failures:$/,$p' "$log"
elif [ "$kind" != --show ]; then
    cat "$log"
fi
printf 'FAILED  %s: %s\n' "$name" "$summary"
exit "$status"
