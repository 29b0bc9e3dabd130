#!/bin/sh
# Makes a bearer token for the service, from 256 bits of the kernel's randomness. Prints the token, which is stored
# nowhere, and its line for API_TOKENS_FILE.
#
#   scripts/new-token.sh NAME SCOPES        prints the token on standard output, the line on standard error
#   scripts/new-token.sh NAME SCOPES FILE   prints the token, and appends the line to FILE
#
# SCOPES are read, write, admin and operator, separated by commas. NAME appears in logs. To replace a token: add one
# with the same name, give it to the client, and remove the old line. The service reads the file again by itself.
set -eu

fail() {
    echo "new-token.sh: $*" >&2
    exit 1
}
[ $# -eq 2 ] || [ $# -eq 3 ] || fail "usage: new-token.sh NAME SCOPES [FILE]"
case $1 in
    '' | *[!A-Za-z0-9._-]*) fail "a name has characters out of A-Z a-z 0-9 . _ -" ;;
esac
[ ${#1} -le 64 ] || fail "a name has at most 64 characters"
case ,$2, in
    *[!a-z,]* | *,,*) fail "scopes are read, write, admin and operator, separated by commas" ;;
esac
for scope in $(printf %s "$2" | tr , ' '); do
    case $scope in
        read | write | admin | operator) ;;
        *) fail "$scope is no scope; scopes are read, write, admin and operator" ;;
    esac
done
# The prefix lets scanners for secrets find a token that was published by mistake.
token=ost_$(head -c 32 /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_')
line="$1 $2 sha256:$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)"
if [ $# -eq 3 ]; then
    printf '%s\n' "$line" >>"$3"
else
    printf '%s\n' "$line" >&2
fi
printf '%s\n' "$token"
