#!/bin/bash
# Runs the integration suites with prove and then counts what ran against what is
# there, so that green means that all of it ran. The last line says it:
#
#	56 of 56 suites, 703 cases
#
# are the suites that ran whole and passed, and the cases that passed. A suite
# that cannot start, skips, or runs fewer cases than it has, fails; the others
# still run.
#
#	BUILD=build/release JOBS=4 tests/integration/run.sh
#	TESTS='210 *list*' tests/integration/run.sh      these suites only
#	TESTS=210 CASES='test_a test_b' tests/...        these cases of a suite only
#
# What failed among others is run once more, alone, and all of it shown: on a
# crowded machine a suite's own patience may end. Failing twice is failing.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source-path=SCRIPTDIR source=../runner.sh
. tests/runner.sh

SELF=tests/integration/run.sh
SUITES=${SUITES:-tests/integration} # the folder they are in
# The longest first, so that none is left over at the end.
LONGEST='404 151 150 330 110 013 030 143 340 170 400 175 221 370 290'
export BUILD=${BUILD:-build/release}
JOBS=${JOBS:-4}
TESTS=${TESTS:-}
export CASES=${CASES:-}

# --- one suite, below prove ---------------------------------------------------

# one_suite FILE: passes on its TAP and leaves a record of it in $RECORDS: a word,
# good or bad; the cases that passed; why it is bad. TAP has ways to say less than
# there is that prove is content with. These become failures here.
one_suite() {
	local suite=$1 record line status=0 why=()
	local planned='' plans=0 ran=0 passed=0 skipped=0 trouble='' functions

	record=$RECORDS/$(basename "$suite" .sh)
	: >"$record" # it was begun
	shopt -s lastpipe # the loop's variables are needed below
	# the static one forks in two thirds of the time, and suites do little else
	bash-static "$suite" | while IFS= read -r line || [ -n "$line" ]; do
		read_line
		printf '%s\n' "$line"
		printf '%s\n' "$line" >&3
	done 3>"$record.tap"
	status=${PIPESTATUS[0]}
	is_whole
	{
		[ ${#why[@]} -eq 0 ] && echo good || echo bad
		echo "$passed"
		printf '%s\n' "${why[@]}" | paste -sd ';' | sed 's/;/; /g'
	} >"$record"
	[ ${#why[@]} -gt 0 ] || return 0
	printf '# %s\n' "${why[@]}"
	return $((status > 0 ? status : 1))
}

# One line of TAP, in $line: counted, and changed where prove would pass over it.
read_line() {
	local hidden='^(not )?ok([^#]*)#[[:space:]]*([Ss][Kk][Ii][Pp]|[Tt][Oo][Dd][Oo])(.*)'

	case $line in
	'Bail out!'*) # ends the other suites too
		trouble=${line#Bail out!}
		trouble=${trouble# }
		line="# cannot go on: $trouble"
		;;
	'# cannot go on: '*)
		trouble=${line#'# cannot go on: '}
		;;
	1..0*) # nothing planned, or all of it skipped
		plans=$((plans + 1))
		planned=1 ran=1
		trouble="nothing was tried${line#1..0}"
		line="1..1"$'\n'"not ok 1 - nothing was tried"
		;;
	1..[0-9]*)
		plans=$((plans + 1))
		planned=${line#1..}
		planned=${planned%%[!0-9]*}
		;;
	ok | 'ok '* | 'not ok' | 'not ok '*)
		if [[ $line =~ $hidden ]]; then
			skipped=$((skipped + 1))
			line="not ok${BASH_REMATCH[2]}(${BASH_REMATCH[3],,}:${BASH_REMATCH[4]})"
		fi
		ran=$((ran + 1))
		[ "${line#ok}" = "$line" ] || passed=$((passed + 1))
		;;
	esac
}

# Nothing is missing, or $why says what.
is_whole() {
	local wanted=${planned:-0}

	# a suite's plan is its own word; a file has what it has
	functions=$(grep -cE '^test_[A-Za-z0-9_]+ *\(\)' "$suite")
	[ -n "$CASES" ] || [ "$functions" -le "$wanted" ] || wanted=$functions
	[ -z "$trouble" ] || why+=("$trouble")
	[ $plans -gt 0 ] || why+=("it ended without a plan")
	[ $plans -le 1 ] || why+=("it has $plans plans")
	[ $skipped = 0 ] || why+=("$skipped cases were skipped")
	[ "$passed" = "$ran" ] || why+=("$((ran - passed)) cases failed")
	[ "$ran" = "$wanted" ] || why+=("it ran $ran of $wanted cases")
	[ "$status" = 0 ] || why+=("it ended with status $status")
}

# --- all of them --------------------------------------------------------------

# prove_suites OPTION... -- NAME...: sets $status.
prove_suites() {
	local options=() name files=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	for name; do
		files+=("$SUITES/$name.sh")
	done
	rm -f "$RECORDS/.prove"
	prove --norc "${options[@]}" --statefile="$RECORDS/.prove" --state=save \
		--exec "$SELF --suite" "${files[@]}"
	status=$?
	[ $status = 0 ] || mark_refused
}

# record NAME LINE: of what one_suite left, if it came so far.
record() {
	sed -n "$2p" "$RECORDS/$1" 2>/dev/null
}

is_good() {
	[ "$(record "$1" 1)" = good ]
}

# What prove refuses for reasons of its own is bad as well.
mark_refused() {
	local file name

	while IFS= read -r file; do
		name=$(basename "$file" .sh)
		is_good "$name" || continue
		printf '%s\n' bad "$(record "$name" 2)" "prove refuses it" \
			>"$RECORDS/$name"
	done < <(prove --norc --statefile="$RECORDS/.prove" --state=failed --dry \
		2>/dev/null)
}

# What they said among others, which they may not say again.
tell_first_tries() {
	for name in "${failed[@]}"; do
		echo "$name, among others:"
		grep -E '^(not ok|#)' "$RECORDS/$name.tap" | head -n 40 | sed 's/^/  /'
	done
}

# The last $status is that of every suite that was begun.
run_suites() {
	local name failed=() early=() late=()

	for name in "${names[@]}"; do
		if [[ " $LONGEST " == *" ${name%%_*} "* ]]; then
			early+=("$name")
		else
			late+=("$name")
		fi
	done
	prove_suites -j "$JOBS" --timer -- "${early[@]}" "${late[@]}"
	for name in "${names[@]}"; do
		[ ! -e "$RECORDS/$name" ] || is_good "$name" || failed+=("$name")
	done
	if [ ${#failed[@]} -gt 0 ]; then
		tell_first_tries
		echo "once more, alone: ${failed[*]}"
		prove_suites -v -- "${failed[@]}"
		for name in "${failed[@]}"; do
			is_good "$name" && second+=("$name")
		done
	elif [ $status != 0 ]; then
		echo "prove ended with status $status, and no suite had failed"
	fi
}

# The closing lines; fails when a suite is missing or bad.
count_suites() {
	local name good=0 cases=0 among=''

	for name in "${names[@]}"; do
		cases=$((cases + $(record "$name" 2 | grep . || echo 0)))
		if is_good "$name"; then
			good=$((good + 1))
			continue
		fi
		if [ ! -e "$RECORDS/$name" ]; then
			echo "$name: it did not run"
		else
			echo "$name: $(record "$name" 3 | grep . || echo 'it was cut short')"
		fi
		echo "  $(runner_again test-integration "$name")"
	done
	[ ${#second[@]} = 0 ] || echo "passed on the second try only: ${second[*]}"
	[ -z "$TESTS" ] || among=" (of ${#all[@]})"
	echo "$good of ${#names[@]} suites$among, $cases cases"
	[ $good = ${#names[@]} ]
}

if [ "${1:-}" = --suite ]; then
	one_suite "$2"
	exit
fi
mapfile -t all < <(basename -s .sh "$SUITES"/[0-9]*.sh)
names=("${all[@]}")
if [ ! -e "$SUITES/${all[0]}.sh" ]; then
	echo "there are no suites in $SUITES" >&2
	exit 2
fi
if [ -n "$TESTS" ]; then
	chosen=$(runner_pick "$TESTS" "${all[@]}") || exit 2
	mapfile -t names <<<"$chosen"
elif [ -n "$CASES" ]; then
	echo "CASES are those of a suite: say which, with TESTS" >&2
	exit 2
fi
RECORDS=$(mktemp -d "${TMPDIR:-/tmp}/flowpin-suites.XXXXXX") || exit 1
export RECORDS
trap 'rm -rf "$RECORDS"' EXIT
second=()
status=1
run_suites
count_suites || status=1
exit $((status > 0))
