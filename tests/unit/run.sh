#!/bin/bash
# Runs each cmocka program given, all of them whatever fails, and prints what
# each says at its end; of one that fails, everything.
set -u

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
limit=${TEST_SECONDS:-120}

[ $# -gt 0 ] || {
	echo "unit: no test programs given" >&2
	exit 1
}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=()
for program; do
	name=${program##*/}
	status=0
	# a test that hangs is one that fails
	timeout -k 5 "$limit" "$program" >"$log" 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then
		printf '%-24s %s\n' "$name" \
			"$(sed -n 's/^\[  PASSED  \] *//p' "$log" | tail -n 1)"
		continue
	fi
	failed+=("$name")
	cat "$log"
	case $status in
	124 | 137) echo "$name did not end within $limit seconds" ;;
	*) echo "$name ended with status $status" ;;
	esac
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "unit: ${#failed[@]} of $# programs failed: ${failed[*]}"
	exit 1
fi
echo "unit: all $# programs passed"
