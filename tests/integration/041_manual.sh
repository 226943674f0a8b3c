#!/bin/bash
# The manuals and the sample configuration name what the programs know, with the
# same defaults and ranges, and nothing that they do not know.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2016 # perl has variables too
. "$(dirname "$0")/lib.sh"

manuals=$STACK_ROOT/deploy/man

help_of() {
	"$STACK_BIN/$1" --help
}

# same_lines GOT WANTED [SENTENCE]: what only one of them has, < or >.
same_lines() {
	local difference

	difference=$(diff <(echo "$1") <(echo "$2") | grep '^[<>]')
	is "$difference" "" "${3:-nothing missing (>), nothing too much (<)}"
}

# A manual's file by its program.
manual_of() {
	printf '%s\n' "$manuals/$1".[18]
}

# name default, one setting a line, as --help has them. Text without a default
# says none.
settings() {
	help_of flowpinctl | awk '/^Settings:/ { on = 1; next }
		on && /^  [a-z]/ { name = $1; sub(/^.*\[/, ""); sub(/\]$/, "")
			print name, $0 }' | sort
}

# Options and commands of a program: the first word of a line that says one,
# and whatever else in it begins with two hyphens.
options() {
	help_of "$1" | sed '/^Settings:/,$d' |
		grep -o -e '--[a-z][a-z-]*' | sort -u
}

commands() {
	help_of "$1" | awk '/^commands:/ { on = 1; next }
		/^Settings:/ { on = 0 } on && /^  [a-z]/ { print $1 }' | sort
}

test_every_setting_is_in_the_manual_with_its_default() {
	isnt "$(settings)" "" "--help names settings"
	same_lines "$(perl -ne 'print "$1 $2\n"
		if /^\.It Va (\w+) Bq ([^;\n]*)/' "$manuals/flowpin.conf.5" |
		sort)" "$(settings)"
}

test_every_number_is_in_the_manual_with_its_range() {
	local table

	table=$(perl -0ne 's/INT_MAX/2147483647/g; print "$1 $2; $3 to $4\n"
		while /\{ "(\w+)", AT\(\w+\), NULL,\s+(\d+),\s+(\d+),\s+(\d+),/g' \
		"$STACK_ROOT/src/core/config.c" | sort)
	isnt "$table" "" "the table is found in config.c"
	same_lines "$(perl -ne 'print "$1 $2\n" if /^\.It Va (\w+) Bq (\d+; .*)/' \
		"$manuals/flowpin.conf.5" | sort)" "$table"
}

test_every_setting_is_in_the_sample_configuration_with_its_default() {
	local sample=$STACK_ROOT/deploy/flowpin.conf

	# what must be given stands there as an example
	same_lines "$(perl -ne 'print "$1 " . ($2 eq "" ? "none" : $2) . "\n"
		if /^#(\w+) =\s*(.*)$/' "$sample" | sort)" \
		"$(settings | grep -v '^database_url ')"
	is "$(grep -c '^database_url = .' "$sample")" 1 "an example address"
	is "$(grep -c '^[^#]' "$sample")" 1 "nothing else is set"
}

test_every_option_is_in_its_manual() {
	local program

	for program in flowpin-gateway flowpin-poller flowpinctl; do
		isnt "$(options "$program")" "" "$program --help names options"
		same_lines "$(perl -ne 'print "-$_\n" for /Fl (-[a-z][a-z-]*)/g,
			/\| (-[a-z][a-z-]*)/g' "$(manual_of "$program")" |
			sort -u)" "$(options "$program")" "$program"
	done
}

test_every_command_is_in_the_manual() {
	isnt "$(commands flowpinctl)" "" "--help names commands"
	same_lines "$(perl -ne 'print "$1\n" if /^\.It Cm ([a-z-]+)/' \
		"$manuals/flowpinctl.1" | sort -u)" "$(commands flowpinctl)"
}

test_a_command_that_the_manual_has_exists() {
	local command answer

	for command in $(commands flowpinctl); do
		# without its settings: that it is known is enough
		answer=$("$STACK_BIN/flowpinctl" --config /dev/null "$command" \
			2>&1 >/dev/null)
		unlike "$answer" 'no such command' "$command"
	done
}

# refuses ARGUMENT...: flowpinctl does nothing, and says how it is used.
refuses() {
	local said status

	said=$("$STACK_BIN/flowpinctl" --config /dev/null "$@" 2>&1)
	status=$?
	is "$status" 2 "$*: refused"
	like "$said" "^flowpinctl: usage: $1" "$*: says how it is used"
}

test_a_command_refuses_what_it_does_not_know() {
	local command id=00000000-0000-4000-8000-000000000001

	for command in $(commands flowpinctl); do
		refuses "$command" --foo
		refuses "$command" --json more
	done
	refuses migrate --dry-run --print
	refuses token "$id" --life
	refuses token "$id" --life 0
	refuses token "$id" --life 5s
	refuses explain
	refuses guard approve
	refuses guard approve 7
	refuses keys
	refuses keys seal --dry-run --yes
}

test_help_after_a_command_is_about_that_one() {
	local command said

	for command in $(commands flowpinctl); do
		said=$("$STACK_BIN/flowpinctl" --config /nowhere "$command" --help)
		is "$?" 0 "$command"
		is "$(awk 'NR == 1 { print $1 }' <<<"$said")" "$command" \
			"$command: says what it takes"
	done
}

test_the_manuals_are_well_formed() {
	local page problems

	for page in "$manuals"/*.[158]; do
		if command -v mandoc >/dev/null; then
			# references to manuals of others may not be there
			problems=$(mandoc -T lint -W warning "$page" 2>&1)
		elif command -v groff >/dev/null; then
			problems=$(groff -m mdoc -T utf8 -ww -z "$page" 2>&1)
		else
			flunk "mandoc or groff is here"
			return
		fi
		is "$problems" "" "${page##*/}"
	done
}

run_tests
