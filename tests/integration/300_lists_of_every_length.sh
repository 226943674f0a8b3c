#!/bin/bash
# Lists of every awkward length in which every item is a task: none is asked for
# by id while it is listed, and of those that leave, each and no other is done.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# leaves_alone PROVIDER COUNT: those that stay, when others leave
leaves_alone() {
	local what="$1, $2 items" open=$2 at

	fill "$1" "$2" || return
	polls 1
	is "$(last_run "$CONNECTION")" complete "$what: the run is complete"
	is "$(count_requests op=read)" 0 "$what: none must be asked for"
	is "$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID'")" 0 "$what: none is offered again"
	for at in $(positions "$2"); do
		change_item "$1" "${IDS[at]}" '{"state": "completed"}'
		open=$((open - 1))
		polls 1
		is "$(tally)" "$(expected "$2" "$open")" "$what: number $at left"
	done
	is "$(writes)" 0 "$what: nothing is written"
	is "$(guard_of)" "" "$what: no guard is needed"
}

# positions COUNT: first, middle and last of so many, each once
positions() {
	[ "$1" = 0 ] || printf '%s\n' 0 $(($1 / 2)) $(($1 - 1)) | sort -nu
}

expected() { # COUNT OPEN
	local finished=$(($1 - $2)) text=

	[ "$2" = 0 ] || text="$2 active, "
	echo "$text$finished completed completed"
}

leave_alone() {
	local n

	for n in 0 1 50 51 200 201 250 251 501 1001; do
		leaves_alone "$1" "$n"
	done
}

test_lists_of_every_length_at_todoist() {
	leave_alone todoist
}

test_lists_of_every_length_at_linear() {
	leave_alone linear
}

test_lists_of_every_length_at_attio() {
	leave_alone attio
}

stack_whole && run_tests
