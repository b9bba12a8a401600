#!/bin/sh
# madkv-check as a program: its exit codes and where it says what. Usage: program_test.sh MADKV_CHECK
set -u
check=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# expect CODE STREAM PATTERN ARGUMENT...: runs madkv-check and looks for PATTERN on STREAM.
expect() {
    code=$1 stream=$2 pattern=$3
    shift 3
    "$check" "$@" <"$dir/in" >"$dir/out" 2>"$dir/err"
    given=$?
    if [ "$given" -ne "$code" ] || ! grep -q -e "$pattern" "$dir/$stream"; then
        echo "FAILED: madkv-check $*: exit $given, expected $code and '$pattern' on $stream" >&2
        cat "$dir/out" "$dir/err" >&2
        failed=1
    fi
}

good='# madkv-history 1\n1\t10\t20\tPUT\tk\t=a\tok\tnot_found\n1\t30\t40\tGET\tk\t-\tok\t=a\n'
bad='# madkv-history 1\n1\t10\t20\tPUT\tk\t=a\tok\tnot_found\n1\t30\t40\tGET\tk\t-\tok\t-\n'
printf "$good" >"$dir/good"
printf "$bad" >"$dir/bad"
printf '# madkv-history 1\n1\t10\n' >"$dir/broken"
cp "$dir/bad" "$dir/in"

expect 0 out '^linearizable: 2 calls' "$dir/good"
expect 1 out '^NOT linearizable: key "k"' "$dir/bad"
expect 1 out '^NOT linearizable: key "k"' -
expect 2 err 'line 2: .* fewer than 8 fields' "$dir/broken"
expect 2 err 'No such file' "$dir/absent"
expect 2 err 'expected a FILE'
expect 2 err 'unknown option --what' --what "$dir/good"
expect 2 err 'not also' "$dir/good" "$dir/bad"
expect 2 err 'whole number from 1 on' --memory-mib 0 "$dir/good"
expect 2 err 'whole number from 1 on' --memory-mib
expect 0 out '^# madkv-history\|madkv-history 1' --help
expect 0 out '^linearizable' --memory-mib 16 "$dir/good"

"$check" --quiet "$dir/bad" >"$dir/out" 2>&1
if [ $? -ne 1 ] || [ -s "$dir/out" ]; then
    echo "FAILED: --quiet says something or exits wrongly" >&2
    failed=1
fi
exit $failed
