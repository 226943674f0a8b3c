#!/bin/bash
# kill -9 at every step of a run: before or after any request, before or after the
# marking. Nothing is half done, and the next run makes up for it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# The poller that can die at a named step; two suites may want it at once.
build_poller() {
	local build=$STACK_ROOT/build/crash

	mkdir -p "$build" || return 1
	# whatever make this suite may run under, and its variant
	flock "$build" env -u MAKEFLAGS -u MAKEOVERRIDES -u MFLAGS -u SAN \
		make -s -C "$STACK_ROOT" CRASH=1 build/crash/flowpin-poller \
		>"$STACK_DIR/build.log" 2>&1 || return 1
	CRASHING=$build/flowpin-poller
}

# everything a run may change
facts() {
	sql "select string_agg(concat_ws(' ', t.source_id, t.status, l.status,
			l.completion_reason, l.version, l.missing_since is null),
			',' order by t.source_id)
		from tasks t join links l on l.task_id = t.id
		where t.user_id = '$USER_ID'"
	sql "select string_agg(source_id, ',' order by source_id) from inbox_items
		where user_id = '$USER_ID'"
	sql "select count(*) from events where user_id = '$USER_ID'"
	sql "select count(*) from decisions where user_id = '$USER_ID'"
	sql "select count(*) from guards where user_id = '$USER_ID'"
}

# dies_at STEP: false if the run has no such step
dies_at() {
	{ # in braces, for what this shell says of a killed child
		FLOWPIN_CRASH_AT=$1 "$CRASHING" \
			--config "$STACK_DIR/flowpin.conf" \
			--connection "$CONNECTION"
		[ $? = 137 ]
	} >>"$STACK_DIR/poller.log" 2>&1
}

freed() {
	sql "update connections set lease_until = null, next_poll_at = now()
		where id = '$CONNECTION'"
}

# killed PROVIDER STEP: false if the run ended without passing that step
killed() {
	local what="$1, $2" before done='2 active, 2 completed completed'

	fill "$1" 4 || return 1
	polls 1
	item_changes "$1" 0 2 '{"state": "completed"}'
	add_own_item "$1" 'New'
	before=$(facts)
	mark
	dies_at "$2" || return 1
	STEPS=$((STEPS + 1))
	if [ "$2" = after_mark ]; then
		is "$(tally)" "$done" "$what: what was written down is"
	else
		is "$(facts)" "$before" "$what: all is as before"
	fi
	freed
	polls 1
	is "$(tally)" "$done" "$what: the next run marks what it left"
	is "$(sql "select count(*) from events where user_id = '$USER_ID'
		and type = 'task.completed'")" 2 "$what: each was told once"
	like "$(sql "select title from inbox_items
		where user_id = '$USER_ID'")" '^(\[[A-Z]+-[0-9]+\] )?New$' \
		"$what: the new one is there"
	is "$(sql "select max(version) from links
		where user_id = '$USER_ID'")" 2 "$what: each changed once"
	is "$(writes)" 0 "$what: nothing is written"
}

# At each of the named steps, as often as a run passes it.
killed_at_every_step() { # PROVIDER LEAST
	local step n

	STEPS=0
	for step in before_run after_run before_fetch before_mark after_mark; do
		killed "$1" "$step" || flunk "$1: there is a step $step"
	done
	for step in before_question after_question before_provider_call \
		after_provider_call; do
		n=1
		while killed "$1" "$step:$n"; do
			n=$((n + 1))
		done
	done
	ok "$1: $STEPS steps are $2 at least" [ "$STEPS" -ge "$2" ]
}

# account, list, two tasks by id; each before and after
test_a_run_at_todoist_may_die_at_every_step() {
	killed_at_every_step todoist 11
}

# list, states, one question for both issues
test_a_run_at_linear_may_die_at_every_step() {
	killed_at_every_step linear 9
}

test_a_run_at_attio_may_die_at_every_step() {
	killed_at_every_step attio 11
}

test_a_run_that_raises_a_guard_may_die_at_every_step() {
	local step

	for step in before_mark after_mark; do
		fill todoist 4 || continue
		item_changes todoist 0 4 '{"state": "deleted"}'
		dies_at "$step" || flunk "$step: it dies"
		freed
		polls 2
		is "$(tally)" "4 active" "$step: all stay"
		is "$(guard_of)" "list_emptied 4" "$step: a guard holds"
		is "$(events_of_guards)" "guard.raised list_emptied" \
			"$step: it is told once"
	done
}

stack_init || bail "no directory"
build_poller || bail "no poller that can die"
stack_whole && run_tests
