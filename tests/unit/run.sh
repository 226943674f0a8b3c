#!/bin/bash
# Runs each cmocka program given, all of them whatever fails, and prints what
# each says at its end; of one that fails, everything. Then it counts what ran
# against the sources there are, so that green means that all of it ran:
#
#	23 of 23 programs, 229 cases
#
# are the programs that passed and their cases. TESTS='token *http*' runs these only.
set -u
# shellcheck source-path=SCRIPTDIR source=../runner.sh
. "$(dirname "$0")/../runner.sh"

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export CMOCKA_MESSAGE_OUTPUT=STDOUT # its words are counted
limit=${TEST_SECONDS:-120}
BUILD=${BUILD:-build/release}
SOURCES=${SOURCES:-$(dirname "$0")} # the folder of test_*.c
TESTS=${TESTS:-}

# sum BEFORE: of cmocka's counts of tests, those in lines that begin so.
sum() {
	sed -nE "s/^$1([0-9]+) test.*/\\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'
}

begun() { sum '\[=+\] Running '; }
passed() { sum '\[  PASSED  \] '; }

# trouble STATUS: what is wrong with the run in the log, if anything.
trouble() {
	case $1 in
	0) ;;
	124 | 137) echo "did not end within $limit seconds" ;;
	*) echo "ended with status $1" ;;
	esac
	[ "$1" = 0 ] || return
	if [ "$(passed)" = 0 ]; then
		echo "passed no cases"
	elif [ "$(passed)" != "$(begun)" ]; then # the others were skipped
		echo "passed $(passed) of $(begun) cases"
	fi
}

# run_program PROGRAM: counts it if it is good.
run_program() {
	local status=0 why

	# a test that hangs is one that fails
	timeout -k 5 "$limit" "$1" >"$log" 2>&1 </dev/null || status=$?
	why=$(trouble $status)
	if [ -z "$why" ]; then
		printf '%-24s %s\n' "${1##*/}" "$(passed) test(s)."
		good=$((good + 1))
		cases=$((cases + $(passed)))
		return
	fi
	cat "$log"
	failed+=("${1##*/} $why")
}

mapfile -t all < <(basename -s .c "$SOURCES"/test_*.c)
names=("${all[@]}")
if [ ! -e "$SOURCES/${all[0]}.c" ]; then
	echo "there are no programs in $SOURCES" >&2
	exit 2
fi
if [ -n "$TESTS" ]; then
	chosen=$(runner_pick "$TESTS" "${all[@]}") || exit 2
	mapfile -t names <<<"$chosen"
fi
declare -A given=()
for program; do
	given[${program##*/}]=$program
done
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=()
good=0
cases=0
for name in "${names[@]}"; do
	if [ -x "${given[$name]:-}" ]; then
		run_program "${given[$name]}"
	else
		failed+=("$name was not built, or not given")
	fi
done
for line in "${failed[@]}"; do
	echo "$line"
	echo "  $(runner_again test-unit "${line%% *}")"
done
among=''
[ -z "$TESTS" ] || among=" (of ${#all[@]})"
echo "$good of ${#names[@]} programs$among, $cases cases"
[ $good = ${#names[@]} ]
