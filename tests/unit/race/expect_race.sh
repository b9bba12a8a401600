#!/bin/sh
# expect_race.sh PROGRAM: passes if ThreadSanitizer reports the planted race in it, by name.
report=$("$1" 2>&1)
status=$?
if [ "$status" -eq 66 ] && printf '%s\n' "$report" | grep -q 'planted_thread'; then
    echo "the planted race is reported"
    exit 0
fi
echo "exit status $status, expected 66 and a report that names planted_thread:"
printf '%s\n' "$report" | head -40
exit 1
