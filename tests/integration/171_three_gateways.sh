#!/bin/bash
# Three gateways, two pollers and one database behind PgBouncer, which hands out a
# connection per transaction: nothing of a session may matter, and who answers a
# call must not either.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

STACK_GATEWAYS='gateway second third'

fresh() {
	as_new_user && add_connection "$1"
}

slow() { # PROVIDER MS
	fault "{\"kind\": \"delay\", \"provider\": \"$1\", \"write\": true,
		\"delay_ms\": $2}"
}

all_have_ended() {
	[ "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and settled_at is null")" = 0 ]
}

# both_sides WISH PROVIDER
both_sides() {
	wait_until 40 all_have_ended || flunk "$2: all wishes end"
	is "$(task_status "$TASK")" \
		"$([ "$1" = complete ] && echo completed || echo active)" \
		"$2: here, the last wish"
	is "$(provider_says "$2" "$ITEM")" "$(state_for "$1")" \
		"$2: there as well"
}

# one_at_a_time PROVIDER MS: no write began before the one before was answered.
one_at_a_time() {
	sim GET "/_sim/requests?since=$MARK&write=true&item=$ITEM"
	is "$(jq --argjson ms "$2" '[.requests[].at_ms] | . as $at |
		[range(1; length) | select($at[.] - $at[. - 1] < $ms - 20)] |
		length' <<<"$BODY")" 0 "$1: one call in flight at most: $BODY"
}

# served_by_all: in the logs of all three, completion calls of this user.
served_by_all() {
	local name

	for name in $STACK_GATEWAYS; do
		ok "$name answered some" grep -qE \
			"path=\"?/v1/tasks/[^ ]*complete.*user=$USER_ID" \
			"$STACK_DIR/$name.log"
	done
}

test_calls_go_to_all_three_through_the_pooler() {
	local provider wish i

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		for i in 1 2 3; do
			for wish in complete uncomplete; do
				mark
				wish "$wish" "$TASK"
				is_outcome accepted "done"
				is "$(provider_says "$provider" "$ITEM")" \
					"$(state_for "$wish")" "$provider has it"
				is "$(taken)" 1 "$provider: taken once"
			done
		done
		served_by_all
	done
	ok "nobody goes past the pooler" [ "$(sql "select count(*)
		from pg_stat_activity where usename = 'flowpin'
		and pid <> pg_backend_pid()")" -le 2 ]
}

test_nothing_of_a_session_is_used() {
	is "$(sql "select count(*) from pg_locks where locktype = 'advisory'")" \
		0 "no advisory locks"
	is "$(grep -hiE '^[^-]*\\b(advisory|listen|notify|prepare|set_config)' \
		"$STACK_ROOT"/sql/queries/*.sql)" "" "no statement needs a session"
}

# As few connections as can be: whoever held one while waiting would stop all.
test_forty_calls_at_once_share_two_connections_of_the_pooler() {
	local i task bad=0

	fresh attio
	make_tasks attio 40
	mark
	slow attio 300
	for i in "${!MADE_TASKS[@]}"; do
		read -r task _ <<<"${MADE_TASKS[i]}"
		call_behind "p$i" POST "/v1/tasks/$task/complete"
	done
	for i in "${!MADE_TASKS[@]}"; do
		call_joined "p$i"
		[ "$STATUS $(field .writeback.outcome)" = "200 accepted" ] ||
			bad=$((bad + 1))
	done
	no_faults
	is "$bad $(taken)" "0 40" "all are accepted, each is sent once"
}

# As a person who cannot decide: each through whichever gateway comes next.
test_complete_uncomplete_complete_of_one_client_ends_completed() {
	local provider wish

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		slow "$provider" 400
		for wish in complete uncomplete complete; do
			wish "$wish" "$TASK" 'Prefer: respond-async'
			like "$STATUS" '^20[02]$' "$provider: noted: $BODY"
		done
		both_sides complete "$provider"
		one_at_a_time "$provider" 400
		no_faults
	done
}

# parallel WISH...: each from a client of its own, as soon as the one before has
# begun.
parallel() {
	local i=0 each before

	before=$(sql "select count(*) from writebacks where task_id = '$TASK'")
	for each; do
		i=$((i + 1))
		call_behind "client$i" POST "/v1/tasks/$TASK/$each"
		wait_until 20 has_begun $((before + i)) ||
			flunk "wish $i is noted"
	done
	for ((; i > 0; i--)); do
		call_joined "client$i"
		like "$STATUS" '^20[02]$' "client $i is answered: $BODY"
	done
}

has_begun() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'")" \
		-ge "$1" ]
}

test_three_wishes_of_three_clients_end_as_the_last() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		slow "$provider" 3000
		parallel complete uncomplete complete
		both_sides complete "$provider"
		one_at_a_time "$provider" 3000
		is "$(sql "select string_agg(state, ' ' order by task_version)
			from writebacks where task_id = '$TASK'")" \
			"accepted superseded accepted" \
			"$provider: the one in between was never sent"
		no_faults
	done
}

test_ten_wishes_of_ten_clients_end_as_the_last() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for uncomplete "$provider" || continue
		slow "$provider" 900
		parallel uncomplete complete uncomplete complete uncomplete \
			complete uncomplete complete uncomplete complete
		both_sides complete "$provider"
		one_at_a_time "$provider" 900
		no_faults
	done
}

# What was agreed on before another wish was sent is agreed on no longer.
test_a_wish_is_not_taken_for_done_because_of_one_before_the_last() {
	fresh attio
	ready_for complete attio || return
	complete "$TASK"
	uncomplete "$TASK"
	is_outcome accepted "done"
	fault '{"kind": "reset_before", "write": true}'
	complete "$TASK" 'Prefer: respond-async'
	wait_until 20 has_been_tried || flunk "it is tried"
	# its statement had begun before the first one was settled
	sql "update writebacks set created_at = (select min(created_at)
		from writebacks where task_id = '$TASK'), due_at = now()
		where task_id = '$TASK' and settled_at is null"
	no_faults
	both_sides complete attio
}

has_been_tried() {
	[ "$(sql "select attempts > 0 and state = 'queued' from writebacks
		where task_id = '$TASK' and settled_at is null")" = t ]
}

# Many tasks at once, some wished for twice, while two pollers keep sweeping.
test_pollers_beside_them_take_nothing_from_living_owners() {
	local i task

	fresh attio
	make_tasks attio 12
	mark
	slow attio 600
	for i in "${!MADE_TASKS[@]}"; do
		read -r task _ <<<"${MADE_TASKS[i]}"
		call_behind "q$i" POST "/v1/tasks/$task/complete"
	done
	wait_until 20 is_in_flight 'write=true' || flunk "they are in flight"
	stack_poll &
	stack_poll
	wait $!
	for i in "${!MADE_TASKS[@]}"; do
		call_joined "q$i"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" "$BODY"
	done
	no_faults
	is "$(taken)" 12 "each is sent once"
	is "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and generation <> 1")" 0 "none changed hands"
}

# One dies with a call in its hands; the two others and the pollers are there.
test_what_one_leaves_behind_another_ends() {
	local name

	fresh todoist
	ready_for complete todoist
	fault "{\"kind\": \"hang_after\", \"write\": true, \"times\": 1,
		\"item\": \"$ITEM\"}"
	call_behind dies POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	for name in $STACK_GATEWAYS; do
		stack_end "$name" KILL
		[ "$name" = third ] || stack_gateway "$name" || bail "$name"
	done
	call_joined dies
	no_faults
	sql "update writebacks set due_at = now() where task_id = '$TASK'
		and state = 'sending'"
	both_sides complete todoist
	is "$(taken)" 1 "done once"
	stack_gateway third || bail "it does not come back"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_setting call_deadline_ms 12000
stack_setting provider_timeout_ms 5000
stack_setting lease_ms 14000
stack_setting sweep_ms 200
stack_postgres || bail "no PostgreSQL"
stack_migrate || bail "no schema"
stack_pgbouncer || bail "no PgBouncer"
sed -i 's/^default_pool_size.*/default_pool_size = 2/' "$STACK_DIR/pgbouncer/ini"
kill -HUP "$(stack_pid pgbouncer)"
stack_setting database_url "$DATABASE_URL_POOLED"
stack_sim || bail "no simulator"
for name in $STACK_GATEWAYS; do
	stack_gateway "$name" || bail "no $name"
done
stack_nginx || bail "no nginx"
as_user "$DEMO_USER"
run_tests
