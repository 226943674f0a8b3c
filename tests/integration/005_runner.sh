#!/bin/bash
# The runners of suites and unit programs, on folders of tiny fakes: green means
# that all of it ran.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# --- suites -------------------------------------------------------------------

# new_suites: a folder for them, empty.
new_suites() {
	FOLDER=$(mktemp -d "$STACK_DIR/suites.XXXXXX")
}

# suite NAME: its lines come from stdin.
suite() {
	cat >"$FOLDER/$1.sh"
}

good_suite() { # NAME CASES
	{
		echo "echo 1..$2"
		printf 'echo "ok %d"\n' $(seq "$2")
	} | suite "$1"
}

# with_lib NAME: a suite such as the real ones; stdin is what follows lib.sh.
with_lib() {
	{
		printf '. %q\n' "$STACK_ROOT/tests/integration/lib.sh"
		cat
	} | suite "$1"
}

# run_suites [VARIABLE=VALUE...]: sets RAN, the status, and SAID, all of it.
run_suites() {
	RAN=0
	SAID=$(env -u TESTS -u CASES SUITES="$FOLDER" BUILD=build/release JOBS=2 \
		"$@" "$STACK_ROOT/tests/integration/run.sh" 2>&1) || RAN=$?
}

# ends RAN LAST_LINE: so did the run.
ends() {
	is "$RAN $(tail -n 1 <<<"$SAID")" "$1 $2" "so it ends" || diag "$SAID"
}

says() { # LINE
	grep -qxF -- "$1" <<<"$SAID" || flunk "it says: $1" || diag "$SAID"
}

test_what_ran_whole_is_counted() {
	new_suites
	good_suite 010_one 3
	good_suite 020_two 4
	run_suites
	ends 0 '2 of 2 suites, 7 cases'
	says 'Result: PASS'
	unlike "$SAID" 'once more' "there is no second try"
}

test_a_suite_that_cannot_start_fails_alone() {
	new_suites
	good_suite 010_one 2
	echo 'bail "no gateway"' | with_lib 020_bails
	good_suite 030_three 2
	run_suites JOBS=1
	ends 1 '2 of 3 suites, 4 cases'
	says '020_bails: no gateway; it ended without a plan; it ended with status 1'
	says '  again: make test-integration TESTS=020_bails'
	says 'Result: FAIL'
}

test_nor_does_a_bail_out_of_its_own_end_the_others() {
	new_suites
	good_suite 010_one 2
	echo 'echo "Bail out! no room"; exit 0' | suite 020_bails
	good_suite 030_three 2
	run_suites JOBS=1
	ends 1 '2 of 3 suites, 4 cases'
	says '020_bails: no room; it ended without a plan'
}

test_a_suite_that_bails_midway_fails_alone() {
	new_suites
	with_lib 010_bails <<-'SUITE'
		test_one() { :; }
		test_two() { bail "it does not come back"; }
		test_three() { :; }
		run_tests
	SUITE
	good_suite 020_two 2
	run_suites JOBS=1
	ends 1 '1 of 2 suites, 3 cases'
	like "$SAID" '010_bails: it does not come back; it ran 1 of 3 cases;' \
		"it says so"
}

test_a_suite_that_dies_before_its_plan_fails() {
	new_suites
	good_suite 010_one 2
	echo 'exit 0' | suite 020_ends
	echo 'kill -KILL $$' | suite 030_dies
	run_suites
	ends 1 '1 of 3 suites, 2 cases'
	says '020_ends: it ended without a plan'
	says '030_dies: it ended without a plan; it ended with status 137'
}

test_fewer_cases_than_planned_fail() {
	new_suites
	printf '%s\n' 'echo 1..3' 'echo ok 1' 'echo ok 2' | suite 010_few
	run_suites
	ends 1 '0 of 1 suites, 2 cases'
	says '010_few: it ran 2 of 3 cases'
}

test_fewer_cases_than_there_are_functions_fail() {
	new_suites
	# the second hides the first
	with_lib 010_hides <<-'SUITE'
		test_one() { false; }
		test_one() { :; }
		run_tests
	SUITE
	run_suites
	ends 1 '0 of 1 suites, 1 cases'
	says '010_hides: it ran 1 of 2 cases'
}

test_what_is_skipped_fails() {
	new_suites
	echo 'echo "1..0 # SKIP no registry"' | suite 010_all
	printf '%s\n' 'echo 1..2' 'echo "ok 1 # skip no tool"' 'echo ok 2' |
		suite 020_one
	printf '%s\n' 'echo 1..1' 'echo "not ok 1 - x # TODO later"' |
		suite 030_later
	echo 'echo 1..0' | suite 040_none
	run_suites
	ends 1 '0 of 4 suites, 1 cases'
	says '010_all: nothing was tried # SKIP no registry; 1 cases failed'
	says '020_one: 1 cases were skipped; 1 cases failed'
	says '030_later: 1 cases were skipped; 1 cases failed'
	says '040_none: nothing was tried; 1 cases failed'
}

test_what_fails_among_others_is_tried_once_more_alone() {
	new_suites
	good_suite 010_one 2
	suite 020_flickers <<-'SUITE'
		echo 1..2
		echo ok 1
		[ -e "$0.seen" ] || echo -n 'not '
		echo ok 2
		[ -e "$0.seen" ] || { touch "$0.seen"; exit 1; }
		exit 0
	SUITE
	run_suites
	ends 0 '2 of 2 suites, 4 cases'
	says 'once more, alone: 020_flickers'
	says 'passed on the second try only: 020_flickers'
	says 'Result: PASS'
}

test_a_failing_case_fails_twice_and_is_shown() {
	new_suites
	with_lib 010_fails <<-'SUITE'
		test_one() { is 1 2 "they are the same"; }
		test_two() { :; }
		run_tests
	SUITE
	run_suites BUILD=build/san
	ends 1 '0 of 1 suites, 1 cases'
	says 'not ok 1 - one'
	says '# not so: they are the same'
	says '010_fails: 1 cases failed; it ended with status 1'
	says '  again: make test-integration TESTS=010_fails SAN=1'
}

# prove SCRIPT: another prove in front of the real one; the script is on stdin.
other_prove() {
	mkdir -p "$FOLDER/bin"
	{
		echo '#!/bin/bash'
		echo "real=$(command -v prove)"
		cat
	} >"$FOLDER/bin/prove"
	chmod +x "$FOLDER/bin/prove"
}

test_a_suite_that_did_not_run_is_missed() {
	new_suites
	good_suite 010_one 2
	good_suite 020_two 2
	other_prove <<-'PROVE'
		exec "$real" "${@:1:$# - 1}"
	PROVE
	run_suites PATH="$FOLDER/bin:$PATH"
	ends 1 '1 of 2 suites, 2 cases'
	says '020_two: it did not run'
}

test_a_first_pass_that_failed_is_no_success_with_nothing_to_retry() {
	new_suites
	good_suite 010_one 2
	other_prove <<-'PROVE'
		"$real" "$@"
		exit 1
	PROVE
	run_suites PATH="$FOLDER/bin:$PATH"
	ends 1 '1 of 1 suites, 2 cases'
	says 'prove ended with status 1, and no suite had failed'
}

test_what_prove_refuses_is_tried_again_and_fails() {
	new_suites
	printf '%s\n' 'echo 1..2' 'echo ok 1' 'echo ok 3' | suite 010_order
	good_suite 020_two 1
	run_suites
	ends 1 '1 of 2 suites, 3 cases'
	says '010_order: prove refuses it'
}

test_some_suites_can_be_chosen() {
	local words

	new_suites
	good_suite 010_first_lists 1
	good_suite 020_lists 2
	good_suite 021_others 4
	for words in 020 lists 020_lists tests/integration/020_lists.sh; do
		run_suites TESTS="$words"
		ends 0 '1 of 1 suites (of 3), 2 cases'
	done
	run_suites TESTS='*lists'
	ends 0 '2 of 2 suites (of 3), 3 cases'
	run_suites TESTS='021 010'
	ends 0 '2 of 2 suites (of 3), 5 cases'
}

test_choosing_nothing_is_an_error() {
	local words

	new_suites
	good_suite 010_one 1
	for words in 02 '01 010' 'none*'; do
		run_suites TESTS="$words"
		is "$RAN" 2 "'$words' is refused: $SAID"
		unlike "$SAID" 'Result' "and nothing runs"
	done
	new_suites
	run_suites
	is "$RAN" 2 "an empty folder is refused: $SAID"
}

test_some_cases_of_a_suite_can_be_chosen() {
	new_suites
	with_lib 010_three <<-'SUITE'
		test_one() { false; }
		test_two() { :; }
		test_three() { :; }
		run_tests
	SUITE
	run_suites TESTS=010 CASES='test_two test_three'
	ends 0 '1 of 1 suites (of 1), 2 cases'
	run_suites TESTS=010 CASES='test_two true'
	ends 1 '0 of 1 suites (of 1), 0 cases'
	like "$SAID" "010_three: there is no case 'true' here" "it says so"
	run_suites CASES=test_two
	is "$RAN" 2 "not of all suites at once: $SAID"
}

# --- unit programs ------------------------------------------------------------

new_programs() {
	FOLDER=$(mktemp -d "$STACK_DIR/unit.XXXXXX")
}

# program NAME [STATUS]: says what is on stdin.
program() {
	touch "$FOLDER/$1.c"
	{
		printf '#!/bin/bash\ncat <<"END"\n'
		cat
		printf 'END\nexit %d\n' "${2:-0}"
	} >"$FOLDER/$1"
	chmod +x "$FOLDER/$1"
}

# good_program NAME CASES [OF]: as cmocka says it.
good_program() {
	printf '%s\n' "[==========] Running ${3:-$2} test(s)." \
		'[ RUN      ] test_a' '[       OK ] test_a' \
		"[==========] ${3:-$2} test(s) run." \
		"[  PASSED  ] $2 test(s)." | program "$1"
}

run_programs() { # [VARIABLE=VALUE...]
	local programs

	mapfile -t programs < <(find "$FOLDER" -type f -perm -u+x)
	RAN=0
	SAID=$(env -u TESTS SOURCES="$FOLDER" BUILD=build/release "$@" \
		"$STACK_ROOT/tests/unit/run.sh" "${programs[@]}" 2>&1) || RAN=$?
}

test_unit_programs_and_their_cases_are_counted() {
	new_programs
	good_program test_one 3
	good_program test_two 4
	run_programs
	ends 0 '2 of 2 programs, 7 cases'
}

test_a_program_that_cmocka_did_not_end_fails() {
	new_programs
	good_program test_one 3
	program test_silent </dev/null
	good_program test_none 0
	good_program test_skips 2 3
	echo boom | program test_dies 9
	run_programs
	ends 1 '1 of 5 programs, 3 cases'
	says 'test_silent passed no cases'
	says 'test_none passed no cases'
	says 'test_skips passed 2 of 3 cases'
	says boom
	says 'test_dies ended with status 9'
	says '  again: make test-unit TESTS=test_dies'
}

test_a_program_that_hangs_fails() {
	new_programs
	good_program test_one 3
	sed -i '2i sleep 30' "$FOLDER/test_one"
	run_programs TEST_SECONDS=1
	ends 1 '0 of 1 programs, 0 cases'
	says 'test_one did not end within 1 seconds'
}

test_a_program_without_a_run_is_missed() {
	new_programs
	good_program test_one 3
	touch "$FOLDER/test_two.c"
	run_programs
	ends 1 '1 of 2 programs, 3 cases'
	says 'test_two was not built, or not given'
	rm "$FOLDER/test_one"
	run_programs
	ends 1 '0 of 2 programs, 0 cases'
}

test_one_program_can_be_chosen() {
	new_programs
	good_program test_token 3
	good_program test_token_cache 4
	run_programs TESTS=token
	ends 0 '1 of 1 programs (of 2), 3 cases'
	run_programs TESTS=tok
	is "$RAN" 2 "what fits none is refused: $SAID"
}

stack_init || bail "no directory"
run_tests
