#!/bin/bash
# A writeback in flight is owned for a bounded time. When its owner is gone, a
# gateway or a poller takes it up; an owner that comes back too late changes
# nothing any more.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

TAKE_UP=15 # seconds after the lease's end

connected() {
	local provider

	for provider in $(providers); do
		add_connection "$provider" || return 1
	done
}

# in_flight WISH PROVIDER FAULT [ITEM]: one write of a new task hangs. Sets
# WRITEBACK.
in_flight() {
	make_tasks "$2" 1 "${4:-null}" && next_task "$1" || return 1
	fault "{\"provider\": \"$2\", \"write\": true, \"item\": \"$ITEM\", $3}"
	call_behind owner POST "/v1/tasks/$TASK/$1"
	wait_until 20 is_in_flight "write=true&item=$ITEM" ||
		flunk "$2: it is in flight" || return 1
	WRITEBACK=$(sql "select id from writebacks
		where task_id = '$TASK' and state = 'sending'")
}

owner_says() {
	sql "select state || ' ' || generation || ' ' || attempts
		from writebacks where id = '$WRITEBACK'"
}

lease_has_ended() {
	[ "$(sql "select due_at <= now() or settled_at is not null
		from writebacks where id = '$WRITEBACK'")" = t ]
}

lease_ends() { # INTERVAL from now
	sql "update writebacks set due_at = now() + interval '$1'
		where id = '$WRITEBACK'"
}

has_ended() {
	[ -n "$(sql "select 1 from writebacks where id = '$WRITEBACK'
		and settled_at is not null")" ]
}

# agreed WISH PROVIDER: it was accepted, done once, and both sides say so.
agreed() {
	is "$(sql "select state from writebacks where id = '$WRITEBACK'")" \
		accepted "$2: accepted"
	is "$(provider_says "$2" "$ITEM") $(taken)" "$(state_for "$1") 1" \
		"$2: done there, once"
	is "$(task_status "$TASK")" \
		"$([ "$1" = complete ] && echo completed || echo active)" \
		"$2: and here"
}

gateway_dies() {
	stack_end gateway KILL
	call_joined owner
	no_faults
}

test_a_dead_owners_writeback_is_taken_up_by_another_gateway() {
	local provider wish

	for provider in $(providers); do
		for wish in complete uncomplete; do
			in_flight "$wish" "$provider" '"kind": "hang_after"' ||
				continue
			stack_gateway other || bail "no other gateway"
			gateway_dies
			# once for real, else nobody waits for it
			[ "$provider $wish" = 'attio complete' ] || lease_ends 0
			wait_until 30 lease_has_ended
			wait_until $TAKE_UP has_ended ||
				flunk "$provider: the other one ends it"
			agreed "$wish" "$provider"
			stack_end other
			stack_gateway || bail "the gateway does not come back"
		done
	done
}

test_what_the_dead_owner_had_not_sent_is_sent_once() {
	local provider

	for provider in $(providers); do
		in_flight complete "$provider" '"kind": "hang_before"' ||
			continue
		stack_gateway other || bail "no other gateway"
		gateway_dies
		lease_ends 0
		wait_until $TAKE_UP has_ended ||
			flunk "$provider: the other one ends it"
		agreed complete "$provider"
		stack_end other
		stack_gateway || bail "the gateway does not come back"
	done
}

# Todoist runs a command once under its id, whoever sends it: a close of the dead
# owner's that arrives after all skips no occurrence.
test_the_next_owner_of_a_recurring_close_sends_it_under_the_same_id() {
	in_flight complete todoist '"kind": "hang_before"' \
		'{"recurring": "every day"}' || return
	gateway_dies
	lease_ends 0
	stack_poll
	ok "the next run ends it" has_ended
	sim GET "/_sim/requests?since=$MARK&write=true"
	is "$(jq -r '.requests[].commands // empty | .[].uuid' <<<"$BODY")" \
		"$WRITEBACK" "the id is the writeback's, whoever has it: $BODY"
	sim GET "/_sim/items/todoist/$ITEM"
	is "$(field .occurrences_done)" 1 "one occurrence is done"
	# the next one is nobody's task here
	change_item todoist "$ITEM" '{"state": "deleted"}'
	stack_gateway || bail "the gateway does not come back"
}

test_with_no_gateway_alive_the_next_poller_run_takes_it_up() {
	local provider

	for provider in $(providers); do
		in_flight complete "$provider" '"kind": "hang_after"' || continue
		gateway_dies
		lease_ends '1 hour'
		stack_poll
		is "$(owner_says)" "sending 1 1" \
			"$provider: its lease is respected"
		lease_ends '0'
		stack_poll
		ok "$provider: the next run ends it" has_ended
		agreed complete "$provider"
		is "$(sql "select generation from writebacks
			where id = '$WRITEBACK'")" 2 "$provider: by another owner"
		stack_gateway || bail "the gateway does not come back"
	done
}

owner_is_stopped() {
	[ "$(awk '{ print $3 }' "/proc/$(stack_pid gateway)/stat")" = T ]
}

# The owner stands still with a refusal in its hands, and another one succeeds.
test_a_late_owner_changes_nothing_of_what_has_ended() {
	local provider

	for provider in $(providers); do
		in_flight complete "$provider" \
			'"kind": "status", "status": 400, "times": 1, "delay_ms": 8000' ||
			continue
		kill -STOP "$(stack_pid gateway)"
		wait_until 10 owner_is_stopped
		lease_ends 0
		stack_poll
		agreed complete "$provider"
		is "$(owner_says)" "accepted 2 2" "$provider: the next one ended it"
		kill -CONT "$(stack_pid gateway)"
		call_joined owner
		is "$STATUS $(field .writeback.outcome) $(field .task.status)" \
			"200 accepted completed" \
			"$provider: the late one is told what holds: $BODY"
		agreed complete "$provider"
		is "$(owner_says)" "accepted 2 2" "$provider: nothing changed"
		is "$(events_of "$TASK")" "writeback.accepted done" \
			"$provider: nobody was told of a rollback"
		no_faults
	done
}

# The other way round: what the next owner rolled back is told as such.
test_a_late_owner_is_told_of_a_rollback_as_a_failure() {
	in_flight complete attio \
		'"kind": "status", "status": 400, "times": 2, "delay_ms": 8000' ||
		return
	kill -STOP "$(stack_pid gateway)"
	wait_until 10 owner_is_stopped
	lease_ends 0
	stack_poll
	is "$(owner_says)" "rolled_back 2 2" "the next one met a refusal"
	kill -CONT "$(stack_pid gateway)"
	call_joined owner
	is_rolled_back 502 refused Attio
	no_faults
}

test_a_late_owner_is_refused_while_the_next_one_is_at_work() {
	in_flight complete attio \
		'"kind": "status", "status": 400, "times": 1, "delay_ms": 8000' ||
		return
	kill -STOP "$(stack_pid gateway)"
	wait_until 10 owner_is_stopped
	# another owner has it, and is at work
	sql "update writebacks set generation = generation + 1,
		due_at = now() + interval '1 hour' where id = '$WRITEBACK'"
	kill -CONT "$(stack_pid gateway)"
	call_joined owner
	is "$STATUS $(field .writeback.outcome) $(header location)" \
		"202 open /v1/writebacks/$WRITEBACK" "told to look there: $BODY"
	is "$(owner_says) $(task_status "$TASK")" "sending 2 1 completed" \
		"the generation refuses what it has to say"
	no_faults
	lease_ends 0
	wait_until $TAKE_UP has_ended || flunk "it ends"
	agreed complete attio
}

# Values that nobody should have written: each is its own row's trouble.
test_one_that_cannot_be_counted_further_holds_up_no_other() {
	local id sql_ids=''

	make_tasks attio 3 || return
	stack_end gateway
	for id in "${MADE_TASKS[@]%% *}"; do
		sql_ids+="${sql_ids:+,}'$id'"
	done
	sql "update tasks set status = 'completed', completed_at = now()
		where id in ($sql_ids)"
	sql "with n as (
			select id, row_number() over (order by id) as n
			  from writebacks where task_id in ($sql_ids)
		)
		update writebacks w
		   set due_at = now() - (4 - n.n) * interval '1 hour',
		       generation = case n.n when 1 then 1000000000000000
				else generation end,
		       attempts = case n.n when 2 then 1000000000
				else attempts end
		  from n where w.id = n.id"
	stack_poll
	is "$(sql "select string_agg(state, ' ' order by generation desc)
		from writebacks where task_id in ($sql_ids)")" \
		"queued accepted accepted" "the others end"
	sql "update writebacks set generation = 0
		where task_id in ($sql_ids) and settled_at is null"
	stack_poll
	is "$(sql "select count(*) from writebacks where task_id in ($sql_ids)
		and state = 'accepted'")" 3 "and so does it, once it is mended"
	stack_gateway || bail "the gateway does not come back"
}

# A key that died meanwhile is no reason to undo what may have been done.
test_what_a_dead_owner_may_have_sent_is_not_rolled_back_for_a_dead_key() {
	local key

	in_flight complete attio '"kind": "hang_after"' || return
	gateway_dies
	sql "update connections set status = 'auth_failed'
		where id = '${CONNECTIONS[attio]}'"
	lease_ends 0
	stack_gateway || bail "the gateway does not come back"
	wait_until $TAKE_UP is_looked_at || flunk "it is taken up"
	is "$(task_status "$TASK")" completed "it stays as wished"
	key=$(sim_token attio)
	sim POST /_sim/accounts "$(jq -n --arg t "$key" \
		--arg a "${TOKENS[attio]}" \
		'{provider: "attio", token: $t, account: $a}')"
	api PATCH "/v1/connections/${CONNECTIONS[attio]}" "{\"key\": \"$key\"}"
	is "$STATUS" 200 "the key is replaced: $BODY"
	lease_ends 0
	wait_until $TAKE_UP has_ended || flunk "it ends"
	agreed complete attio
}

is_looked_at() {
	[[ $(owner_says) == "queued 2 2" ]]
}

stack_init || bail "no directory"
stack_setting call_deadline_ms 24000
stack_setting provider_timeout_ms 20000
stack_setting lease_ms 26000
stack_setting sweep_ms 200
stack_setting stop_ms 4000
stack_whole && connected && run_tests
