#!/bin/bash
# Lists of every awkward length: all of it arrives once, in as few pages as the
# provider allows.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

declare -A PAGE=([todoist]=200 [linear]=250 [attio]=500)

# pages PROVIDER COUNT: how many requests that is. Attio's end is a page that is
# not full, the others say it.
pages() {
	local size=${PAGE[$1]}

	if [ "$1" = attio ]; then
		echo $(($2 / size + 1))
	elif [ "$2" = 0 ]; then
		echo 1
	else
		echo $((($2 + size - 1) / size))
	fi
}

# inbox_ids: every page of it, one source_id per line.
inbox_ids() {
	local cursor=

	while :; do
		api GET "/v1/inbox?limit=200${cursor:+&cursor=$cursor}"
		jq -r '.items[].source_id' <<<"$BODY"
		cursor=$(field .next_cursor)
		[ -n "$cursor" ] || break
	done
}

arrives_whole() { # PROVIDER COUNT
	local what="$1, $2 items" there here

	as_new_user
	add_connection "$1" || return
	[ "$2" = 0 ] || add_own_item "$1" 'Item' "{\"count\": $2}"
	mark
	ok "$what: the pass ends well" poll_once "$CONNECTION"
	is "$(last_run "$CONNECTION")" complete "$what: the run is complete"
	sim GET "/_sim/items?provider=$1&account=${TOKENS[$1]}"
	there=$(jq -r '.items[].id' <<<"$BODY" | sort)
	here=$(inbox_ids | sort)
	is "$(grep -c . <<<"$here")" "$2" "$what: so many are in the inbox"
	ok "$what: the same, each once" [ "$here" = "$there" ]
	is "$(count_requests "op=list&account=${TOKENS[$1]}")" \
		"$(pages "$1" "$2")" "$what: in as many pages"
	is "$(writes)" 0 "$what: nothing is written"
}

arrive_whole() {
	local n

	# the last ones around each page's size
	for n in 0 1 50 51 200 201 250 251 501 1001 \
		$((PAGE[$1] - 1)) "${PAGE[$1]}" $((2 * PAGE[$1])); do
		arrives_whole "$1" "$n"
	done
}

test_lists_of_any_length_arrive_from_todoist() {
	arrive_whole todoist
}

test_lists_of_any_length_arrive_from_linear() {
	arrive_whole linear
}

test_lists_of_any_length_arrive_from_attio() {
	arrive_whole attio
}

# The last of several pages is where tasks are, and items that leave.
test_absence_sees_every_page() {
	local provider title count

	for provider in $(providers); do
		as_new_user
		add_connection "$provider" || continue
		count=$((PAGE[$provider] * 2))
		for title in First Middle Last; do
			add_own_item "$provider" "$title"
			[ $title = Last ] || add_own_item "$provider" 'Filler' \
				"{\"count\": $count}"
		done
		poll_once "$CONNECTION"
		# from an inbox of many pages
		for title in First Middle Last; do
			TASK=$(sql "select id from inbox_items where title ~ '(^|] )$title\$'
				and connection_id = '$CONNECTION'")
			api POST "/v1/inbox/$TASK/import"
			is "$STATUS" 201 "$provider: '$title' is imported"
		done
		mark
		poll_own
		poll_own
		is "$(sql "select count(*) from tasks where user_id = '$USER_ID'
			and status = 'active'")" 3 "$provider: all three stay"
		is "$(count_requests op=read)" 0 \
			"$provider: all are listed, none must be asked for"
		change_item "$provider" "$(sql "select source_id from tasks where
			user_id = '$USER_ID' and title ~ 'Middle\$'")" \
			'{"state": "completed"}'
		poll_own
		is "$(sql "select string_agg(w || ' ' || status, ', '
			order by w) from (select regexp_replace(title, '^.*] ', '')
				as w, status, user_id from tasks) t where user_id = '$USER_ID'")" \
			"First active, Last active, Middle completed" \
			"$provider: the one of them"
	done
}

test_many_tasks_of_one_list_are_marked_at_once() {
	local provider id

	for provider in $(providers); do
		as_new_user
		add_connection "$provider" || continue
		add_own_item "$provider" 'Stays'
		add_own_item "$provider" 'Many' '{"count": 60}'
		poll_once "$CONNECTION"
		api GET '/v1/inbox?limit=200'
		for id in $(jq -r ".items[] | select($PLAIN_TITLE != \"Stays\") | .id" \
			<<<"$BODY"); do
			api POST "/v1/inbox/$id/import"
		done
		mark
		for id in $(sql "select source_id from tasks
			where user_id = '$USER_ID'"); do
			change_item "$provider" "$id" '{"state": "completed"}'
		done
		poll_own
		poll_own
		is "$(sql "select string_agg(distinct t.status || ' ' ||
			completion_reason, ',') || ' ' || count(*) from tasks t
			join links l on l.task_id = t.id
			where t.user_id = '$USER_ID'")" "completed completed 60" \
			"$provider: all sixty"
		is "$(writes)" 0 "$provider: nothing is written"
	done
}

stack_whole && run_tests
