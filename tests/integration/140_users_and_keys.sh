#!/bin/bash
# Who may come in, what they see of each other (nothing), and where a provider's
# key can be read afterwards (nowhere).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

USER_A=00000000-0000-4000-8000-00000000000a
USER_B=00000000-0000-4000-8000-00000000000b

b64() {
	basenc --base64url -w 0 | tr -d =
}

# jwt HEADER CLAIMS [SECRET]: signed with HS256, by the stack's secret or another.
jwt() {
	local text secret=${3:-}

	[ -n "$secret" ] || secret=$(tr -d '\n' <"$STACK_DIR/jwt.secret")
	text=$(printf '%s' "$1" | b64).$(printf '%s' "$2" | b64)
	echo "$text.$(printf '%s' "$text" |
		openssl dgst -sha256 -hmac "$secret" -binary | b64)"
}

HS256='{"alg":"HS256","typ":"JWT"}'

# claims [JQ]: a user's, with something about them changed.
claims() {
	jq -nc --arg s "$USER_A" '{sub: $s, role: "authenticated",
		aud: "authenticated", iat: (now | floor),
		exp: ((now | floor) + 600)}'" | ${1:-.}"
}

# state_of_all: what anybody has in the database.
state_of_all() {
	local table

	for table in tasks links integrations connections inbox_items writebacks \
		events idempotency_keys; do
		stack_sql -c "select '$table', t from $table t order by t::text"
	done | sha256sum
}

# ada_has: a user with a connection, a task, an inbox item, a writeback and an
# event; and Bob, whose own things are in the way of nobody.
ada_has() {
	as_user "$USER_A"
	add_connection todoist && make_task todoist 'Of Ada' || return 1
	ADA_CONNECTION=$CONNECTION
	ADA_TASK=$TASK
	ADA_ITEM=$ITEM
	complete "$TASK"
	ADA_WRITEBACK=$(field .writeback.id)
	uncomplete "$TASK"
	add_own_item todoist 'Also of Ada'
	poll_once "$CONNECTION"
	api GET /v1/inbox
	ADA_INBOX=$(field '.items[0].id')
	make_task todoist 'Done elsewhere'
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_once "$CONNECTION"
	api GET /v1/events
	isnt "$ADA_INBOX $(jq '.events | length' <<<"$BODY")" ' 0' "Ada has all" ||
		bail "Ada has all there is: $BODY"
	as_user "$USER_B"
	add_connection todoist
}

# calls: every call that a user can make, with Ada's ids.
calls() {
	cat <<-CALLS
		GET /v1/tasks
		POST /v1/tasks {"title":"Intruder"}
		GET /v1/tasks/$ADA_TASK
		PATCH /v1/tasks/$ADA_TASK {"title":"Intruder"}
		DELETE /v1/tasks/$ADA_TASK
		POST /v1/tasks/$ADA_TASK/archive
		POST /v1/tasks/$ADA_TASK/complete
		POST /v1/tasks/$ADA_TASK/uncomplete
		GET /v1/writebacks/$ADA_WRITEBACK
		GET /v1/inbox
		POST /v1/inbox/$ADA_INBOX/import
		GET /v1/connections
		POST /v1/connections {"type":"todoist","label":"x","key":"intruder"}
		GET /v1/connections/$ADA_CONNECTION
		PATCH /v1/connections/$ADA_CONNECTION {"key":"intruder"}
		PATCH /v1/connections/$ADA_CONNECTION {"label":"Intruder"}
		PATCH /v1/connections/$ADA_CONNECTION {"writeback":false}
		PATCH /v1/connections/$ADA_CONNECTION {"status":"paused"}
		DELETE /v1/connections/$ADA_CONNECTION
		POST /v1/connections/$ADA_CONNECTION/poll
		GET /v1/events
	CALLS
}

# turned_away SENTENCE HEADER...: by every call, and nothing changes.
turned_away() {
	local sentence=$1 before method path json

	shift
	before=$(state_of_all)
	while read -r method path json; do
		anonymous "$method" "$path" "$json" "$@" </dev/null
		is "$STATUS $(header content-type)" \
			"401 application/problem+json" \
			"$sentence: $method $path: $BODY"
		is "$(header www-authenticate)" Bearer "how to come in"
	done < <(calls)
	is "$(state_of_all)" "$before" "$sentence: nothing has changed"
}

# knocks SENTENCE HEADER...: turned away by one call that would change something.
knocks() {
	local sentence=$1 before

	shift
	before=$(state_of_all)
	anonymous POST "/v1/tasks/$ADA_TASK/complete" '' "$@"
	is "$STATUS $(field .status)" "401 401" "$sentence: $BODY"
	is "$(state_of_all)" "$before" "$sentence: nothing has changed"
}

bearer() { # SENTENCE TOKEN
	knocks "$1" "Authorization: Bearer $2"
}

test_our_own_tokens_are_good_ones() {
	mark
	anonymous GET "/v1/tasks/$ADA_TASK" '' \
		"Authorization: Bearer $(jwt "$HS256" "$(claims)")"
	is "$STATUS" 200 "or the tests below prove nothing: $BODY"
	anonymous GET "/v1/tasks/$ADA_TASK" '' \
		"Authorization: bearer $(jwt "$HS256" "$(claims \
			'.aud = ["authenticated", "other"]')")"
	is "$STATUS" 200 "several audiences are good, and a small b: $BODY"
}

test_without_a_token_nobody_comes_in() {
	turned_away "no token"
}

test_with_an_expired_token_nobody_comes_in() {
	turned_away "expired" "Authorization: Bearer $(jwt "$HS256" \
		"$(claims '.exp = (now | floor) - 3600')")"
	turned_away "of another secret" \
		"Authorization: Bearer $(jwt "$HS256" "$(claims)" wrong)"
}

test_garbage_is_no_token() {
	bearer "garbage" garbage
	bearer "two dots" ..
	bearer "three dots" ...
	bearer "nothing" ''
	bearer "no base64" '!!!.###.$$$'
	bearer "a long one" "$(head -c 6000 /dev/zero | tr '\0' A)"
	bearer "a signature cut off" "$(jwt "$HS256" "$(claims)" | head -c -5)"
	bearer "a signature left out" \
		"$(jwt "$HS256" "$(claims)" | sed 's/[^.]*$//')"
	knocks "another scheme" "Authorization: Basic $(printf 'ada:lovelace' |
		base64)"
	knocks "no scheme" "Authorization: $(jwt "$HS256" "$(claims)")"
	bearer "claims that are no JSON" "$(jwt "$HS256" 'ada')"
	bearer "claims that are a list" "$(jwt "$HS256" '[]')"
	bearer "no claims" "$(jwt "$HS256" '{}')"
	bearer "a header that is no JSON" "$(jwt 'alg' "$(claims)")"
}

test_a_token_without_a_signature_is_none() {
	local claims

	claims=$(claims | b64)
	bearer "alg none" "$(printf '{"alg":"none","typ":"JWT"}' | b64).$claims."
	bearer "alg None" "$(printf '{"alg":"None"}' | b64).$claims."
	bearer "alg none, signed" "$(jwt '{"alg":"none"}' "$(claims)")"
	bearer "no alg" "$(jwt '{"typ":"JWT"}' "$(claims)")"
	bearer "another alg" "$(jwt '{"alg":"HS512"}' "$(claims)")"
	bearer "an alg of public keys" "$(jwt '{"alg":"RS256"}' "$(claims)")"
}

test_claims_changed_after_signing_are_refused() {
	local token

	token=$(jwt "$HS256" "$(claims)")
	bearer "other claims" "${token%%.*}.$(claims '.sub =
		"'"$USER_B"'"' | b64).${token##*.}"
}

test_supabases_own_keys_are_no_users() {
	bearer "anon" "$(jwt "$HS256" "$(claims '.role = "anon"')")"
	bearer "anon as it is" "$(jwt "$HS256" "$(claims 'del(.sub, .aud) |
		.role = "anon" | .iss = "supabase"')")"
	bearer "service_role" "$(jwt "$HS256" \
		"$(claims '.role = "service_role"')")"
	bearer "no role" "$(jwt "$HS256" "$(claims 'del(.role)')")"
}

test_claims_that_are_missing_or_odd_are_refused() {
	bearer "no sub" "$(jwt "$HS256" "$(claims 'del(.sub)')")"
	bearer "an empty sub" "$(jwt "$HS256" "$(claims '.sub = ""')")"
	bearer "a sub that is no UUID" "$(jwt "$HS256" "$(claims '.sub = "ada"')")"
	bearer "a sub with more behind it" "$(jwt "$HS256" \
		"$(claims '.sub += "x"')")"
	bearer "a sub that is a number" "$(jwt "$HS256" "$(claims '.sub = 1')")"
	bearer "no exp" "$(jwt "$HS256" "$(claims 'del(.exp)')")"
	bearer "an exp that is text" "$(jwt "$HS256" "$(claims '.exp = "2099"')")"
	bearer "an exp below zero" "$(jwt "$HS256" "$(claims '.exp = -1')")"
	bearer "no aud" "$(jwt "$HS256" "$(claims 'del(.aud)')")"
	bearer "another aud" "$(jwt "$HS256" "$(claims '.aud = "other"')")"
	bearer "no audience" "$(jwt "$HS256" "$(claims '.aud = []')")"
	bearer "not yet" "$(jwt "$HS256" "$(claims '.nbf = (now | floor) + 3600')")"
}

test_nothing_of_another_user_is_there() {
	local before method path json

	as_user "$USER_B"
	before=$(state_of_all)
	mark
	while read -r method path json; do
		[[ $path == */$ADA_TASK* || $path == */$ADA_CONNECTION* ||
			$path == */$ADA_INBOX* || $path == */$ADA_WRITEBACK* ]] ||
			continue
		api "$method" "$path" "$json" </dev/null
		is "$STATUS $(header content-type)" \
			"404 application/problem+json" "$method $path: $BODY"
		unlike "$BODY" "Of Ada|$ADA_ITEM" "and tells nothing"
	done < <(calls)
	is "$(state_of_all)" "$before" "nothing has changed"
	is "$(requests)" 0 "nobody was asked"
}

test_lists_hold_nothing_of_another_user() {
	local path cursor

	as_user "$USER_A"
	api GET '/v1/events?limit=1'
	cursor=$(field .next_cursor)
	as_user "$USER_B"
	for path in /v1/tasks /v1/inbox /v1/events /v1/connections \
		'/v1/tasks?status=active' '/v1/tasks?source=todoist' \
		"/v1/events?cursor=$cursor" \
		"/v1/inbox?connection_id=$ADA_CONNECTION"; do
		api GET "$path"
		unlike "$BODY" "Ada|$ADA_TASK|$ADA_CONNECTION|$ADA_INBOX" "$path"
		is "$(jq '[(.tasks // [])[], (.items // [])[], (.events // [])[]] |
			length' <<<"$BODY")" 0 "$path: nothing"
	done
	is "$(api GET /v1/connections && jq '.connections | length' <<<"$BODY")" \
		1 "his own connection is there"
}

# The same item, known to both, is two tasks: one's wish is not the other's.
test_a_legacy_task_never_falls_back_to_the_connection_of_another() {
	as_user "$USER_B"
	api POST /v1/tasks "{\"title\": \"Guessed\", \"source\": \"todoist\",
		\"source_id\": \"$ADA_ITEM\"}"
	is "$STATUS" 201 "he can know the id"
	TASK=$(field .task.id)
	complete "$TASK"
	is_outcome skipped connection_gone
	is "$(provider_says todoist "$ADA_ITEM")" open "but not touch the item"
	api DELETE "/v1/tasks/$TASK"
}

test_an_idempotency_key_belongs_to_one_user() {
	as_user "$USER_A"
	api POST /v1/tasks '{"title": "Secret plan"}' 'Idempotency-Key: shared'
	is "$STATUS" 201 "Ada's"
	as_user "$USER_B"
	api POST /v1/tasks '{"title": "Secret plan"}' 'Idempotency-Key: shared'
	is "$STATUS" 201 "Bob's"
	TASK=$(field .task.id)
	api POST /v1/tasks '{"title": "Secret plan"}' 'Idempotency-Key: shared'
	is "$(field .task.id) $(header idempotency-replayed)" "$TASK true" \
		"which he is told again"
	is "$(api GET /v1/tasks && jq -r '[.tasks[] |
		select(.title == "Secret plan")] | length' <<<"$BODY")" 1 \
		"is another task"
}

# --- keys ---------------------------------------------------------------------

# hidden KEY SENTENCE: it stands nowhere that anybody keeps or reads.
hidden() {
	local found log hex

	hex=$(printf '%s' "$1" | od -An -tx1 | tr -d ' \n')
	stack_admin flowpin -A -t -c 'select 1' >/dev/null || bail "no database"
	pg_dump -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" -U postgres flowpin \
		>"$STACK_DIR/dump" || flunk "a dump is made"
	ok "the dump holds the connections" grep -q integrations "$STACK_DIR/dump"
	found=$(grep -ciF -e "$1" -e "$hex" -e "$(printf '%s' "$1" | base64 -w 0)" \
		"$STACK_DIR/dump")
	is "$found" 0 "$2: not in the database"
	for log in "$STACK_DIR"/{gateway,poller,nginx,migrate}.log \
		"$STACK_DIR/nginx/access.log"; do
		[ -e "$log" ] || continue
		is "$(grep -cF "$1" "$log")" 0 "$2: not in ${log##*/}"
	done
	anonymous GET /metrics
	is "$STATUS" 200 "there are metrics"
	unlike "$BODY" "$1" "$2: not in them"
	anonymous GET /readyz
	unlike "$BODY" "$1" "$2: not in readyz"
	found=$(tr '\0' '\n' <"/proc/$(stack_pid gateway)/cmdline" |
		grep -cF "$1")
	is "$found" 0 "$2: not in the command line"
}

# unsaid_to_operators: neither key is in what flowpinctl said.
unsaid_to_operators() {
	is "$(grep -cF -e "$key" -e "$new" <<<"$SAID")" 0 "but not the key"
}

# unsaid KEY SENTENCE: nor does any answer say it.
unsaid() {
	unlike "$HEADERS$BODY" "$1" "$2"
}

test_a_key_is_readable_nowhere() {
	local provider key new

	as_new_user
	stack_setting log_level debug
	restart_gateway
	for provider in $(providers); do
		key=$(sim_token "$provider")
		add_connection "$provider" "$key"
		unsaid "$key" "$provider: adding it"
		make_task "$provider" "with a key of $provider"
		complete "$TASK"
		unsaid "$key" "completing"
		api GET /v1/connections
		unsaid "$key" "the list"
		api GET "/v1/connections/$CONNECTION"
		unsaid "$key" "the connection"
		api GET /v1/events
		unsaid "$key" "events"
		# refused, which is where errors would tell it
		sim DELETE "/_sim/accounts/$provider/$key"
		uncomplete "$TASK"
		unsaid "$key" "refused"
		poll_once "$CONNECTION"
		api GET "/v1/connections/$CONNECTION"
		unsaid "$key" "what is wrong with it"
		new=$(sim_token "$provider")
		api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$new\"}"
		unsaid "$new" "replacing it"
		hidden "$key" "$provider"
		hidden "$new" "$provider, the new one"
		ctl doctor
		like "$SAID" 'ok     settings' "operators look"
		unsaid_to_operators
		ctl explain "$TASK"
		like "$SAID" 'writeback' "and read its story"
		unsaid_to_operators
	done
	stack_setting log_level info
	restart_gateway
}

cores_of() { # NAME
	awk '/^Max core file size/ { print $5, $6 }' \
		"/proc/$(stack_pid "$1")/limits"
}

test_a_key_is_in_no_core_dump() {
	is "$(cores_of gateway)" "0 0" "the gateway leaves none"
	as_user "$USER_A"
	fault '{"kind": "delay", "op": "list", "delay_ms": 2000}'
	mark
	poll_behind --connection "$ADA_CONNECTION"
	wait_until 20 is_in_flight 'op=list' || flunk "the poller is at work"
	is "$(cores_of pass)" "0 0" "nor does the poller"
	no_faults
	poll_joined
}

test_a_key_that_is_refused_as_input_is_not_repeated() {
	local before

	before=$(state_of_all)
	for key in $'bad\tkey-1f2e3d4c' 'bäd-key-1f2e3d4c' \
		'bad key-1f2e3d4c' $'bad-key-1f2e3d4c\r\nX-Evil: 1'; do
		api POST /v1/connections "$(jq -n --arg k "$key" \
			'{type: "todoist", label: "x", key: $k}')"
		is "$STATUS" 400 "no provider has such a key: $BODY"
		unsaid 'key-1f2e3d4c' "the answer does not repeat it"
	done
	is "$(state_of_all)" "$before" "nothing is kept"
	is "$(grep -c 'key-1f2e3d4c' "$STACK_DIR/gateway.log")" 0 "nor logged"
}

test_two_connections_with_one_key_look_different_when_sealed() {
	local key

	as_new_user
	key=$(sim_token attio)
	add_connection attio "$key"
	add_connection attio "$key"
	is "$(sql "select count(distinct key_sealed) from connections
		where user_id = '$USER_ID'")" 2 "nobody sees that they are one"
}

# A call that was under way with the old key ends after the new one came.
test_a_refusal_of_the_old_key_does_not_mark_the_new_one() {
	local new

	as_new_user
	add_connection attio
	ready_for complete attio
	new=$(sim_token attio)
	fault '{"kind": "auth", "write": true, "delay_ms": 1500, "times": 1}'
	fault '{"kind": "auth", "op": "self", "times": 1}' # nor says whose it is
	call_behind late POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	sim POST /_sim/accounts "$(jq -n --arg t "$new" \
		--arg a "${TOKENS[attio]}" \
		'{provider: "attio", token: $t, account: $a}')"
	api PATCH "/v1/connections/$CONNECTION" "$(jq -n --arg k "$new" \
		'{key: $k}')"
	is "$STATUS" 200 "the key is replaced: $BODY"
	call_joined late
	is "$STATUS $(field .writeback.reason)" "502 auth_failed" "the old one"
	is "$(connection_says "$CONNECTION" status)" active "not the new one"
	complete "$TASK"
	is_outcome accepted "done"
}

# The row is part of the seal.
test_a_sealed_key_moved_to_another_row_cannot_be_used() {
	local other

	as_new_user
	add_connection attio
	other=$CONNECTION
	add_connection attio
	ready_for complete attio
	sql "update connections set (key_sealed, key_id) = (select key_sealed,
			key_id from connections where id = '$other')
		where id = '$CONNECTION'" >/dev/null
	complete "$TASK"
	is_rolled_back 502 key_unreadable Attio
	is "$(requests)" 0 "nobody is asked with it"
}

# --- keys that stand in Flowpin's own row ---------------------------------------

# plain PROVIDER [KEY]: a connection as the app's client makes it, its key in plain.
# Sets CONNECTION and KEY.
plain() {
	KEY=${2:-$(sim_token "$1")}
	CONNECTION=$(cat /proc/sys/kernel/random/uuid)
	sim POST /_sim/accounts "$(jq -n --arg p "$1" --arg t "$KEY" \
		'{provider: $p, token: $t}')" || return 1
	plain_row "$1" "$KEY"
	CONNECTIONS[$1]=$CONNECTION
	TOKENS[$1]=$KEY
}

plain_row() { # PROVIDER KEY
	sql "insert into public.integrations (id, user_id, type, label, api_key)
		values ('$CONNECTION', '$USER_ID', '$1', 'mine', '$2')" ||
		flunk "the row is made"
}

# key_of CONNECTION: where it stands.
key_of() {
	sql "select case when i.api_key is null then 'no' else 'plain' end || ' ' ||
			case when c.key_sealed is null then 'unsealed'
			else 'sealed' end
		from public.integrations i join connections c using (id)
		where i.id = '$1'"
}

ctl() {
	SAID=$("$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" "$@" 2>&1)
	STATUS=$?
}

test_a_plain_key_is_used_as_it_stands_and_said_nowhere() {
	local path

	as_new_user
	plain todoist
	make_task todoist 'With a plain key'
	complete "$TASK"
	is_outcome accepted "done"
	is "$(key_of "$CONNECTION")" 'plain unsealed' "it is left to its clients"
	for path in /v1/connections "/v1/connections/$CONNECTION" /v1/events; do
		api GET "$path"
		unsaid "$KEY" "$path"
	done
	is "$(sql 'select count(*) from connections c
		where position('"'$KEY'"' in c::text) > 0')" 0 "it is not copied"
	is "$(cat "$STACK_DIR"/{gateway,poller,postgres}.log | grep -cF "$KEY")" 0 \
		"nor logged"
}

test_sealing_asks_first_and_can_be_tried() {
	local answer

	ctl keys seal --dry-run
	is "$STATUS" 0 "a trial: $SAID"
	like "$SAID" "$CONNECTION todoist.*1 keys stand there in plain" "it tells"
	unlike "$SAID" "$KEY" "but no key"
	for answer in no '' y YES; do
		ctl keys seal <<<"$answer"
		is "$STATUS" 1 "'$answer' is no yes: $SAID"
	done
	ctl keys seal </dev/null
	is "$STATUS" 1 "nor is silence"
	is "$(key_of "$CONNECTION")" 'plain unsealed' "nothing is changed"
}

test_a_key_that_is_not_sealed_is_not_said_to_be() {
	stack_admin flowpin -c "create function public.keep() returns trigger
			language plpgsql as 'begin return null; end';
		create trigger keep before update of api_key on public.integrations
			for each row execute function public.keep()"
	ctl keys seal --yes
	stack_admin flowpin -c 'drop function public.keep() cascade' 2>/dev/null
	is "$STATUS" 1 "it fails: $SAID"
	like "$SAID" "$CONNECTION: it was not sealed" "says which"
	like "$SAID" ' 0 keys sealed' "and counts what was"
	is "$(sql "select api_key is not null from public.integrations
		where id = '$CONNECTION'")" t "it stands there"
	sql "update connections set key_sealed = null, key_id = null,
		api_key_digest = sha256(convert_to('$KEY', 'UTF8'))
		where id = '$CONNECTION'"
}

test_a_sealed_key_goes_on_working() {
	local runs

	runs=$(sql "select generation from connections where id = '$CONNECTION'")
	ctl keys seal <<<yes
	is "$STATUS" 0 "yes is yes: $SAID"
	unlike "$SAID" "$KEY" "no key is said"
	is "$(key_of "$CONNECTION")" 'no sealed' "it is sealed"
	hidden "$KEY" "sealed"
	is "$(sql "select generation from connections where id = '$CONNECTION'")" \
		"$runs" "it is no other key"
	uncomplete "$TASK"
	is_outcome accepted "done"
	ctl keys seal --yes
	like "$SAID" ' 0 keys sealed' "a second time there is nothing to do"
}

# An unmodified client writes back what it once read.
test_a_plain_key_that_comes_back_is_used_again() {
	sql "update public.integrations set api_key = '$KEY'
		where id = '$CONNECTION'"
	is "$(key_of "$CONNECTION")" 'plain unsealed' "it counts as a new one"
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_pass_that_is_to_seal_does() {
	stack_setting api_keys seal
	poll_once || flunk "a pass"
	is "$(key_of "$CONNECTION")" 'no sealed' "it is sealed"
	hidden "$KEY" "sealed by a pass"
	uncomplete "$TASK"
	is_outcome accepted "done"
	poll_once "$CONNECTION" || flunk "a pass"
	is "$(last_run "$CONNECTION")" complete "it is polled"
	stack_setting api_keys keep
}

test_sealing_what_stands_in_a_row_keeps_a_newer_key() {
	local new was=$KEY

	sql "update public.integrations set api_key = '$KEY'
		where id = '$CONNECTION'"
	new=$(sim_token todoist)
	sim POST /_sim/accounts "$(jq -n --arg t "$new" --arg a "$KEY" \
		'{provider: "todoist", token: $t, account: $a}')"
	api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$new\"}"
	is "$STATUS $(key_of "$CONNECTION")" '200 plain sealed' "the new one is sealed"
	stack_setting api_keys seal
	poll_once || flunk "a pass"
	stack_setting api_keys keep
	is "$(key_of "$CONNECTION")" 'no sealed' "the old one is gone from its row"
	sim DELETE "/_sim/accounts/todoist/$was"
	complete "$TASK"
	is_outcome accepted "done"
	uncomplete "$TASK"
	is_outcome accepted "done"
	sim POST /_sim/accounts "$(jq -n --arg t "$was" --arg a "$new" \
		'{provider: "todoist", token: $t, account: $a}')"
	sql "update public.integrations set api_key = '$was'
		where id = '$CONNECTION'"
}

test_a_key_replaced_by_row_is_the_one_that_is_used() {
	local new

	new=$(sim_token todoist)
	sim POST /_sim/accounts "$(jq -n --arg t "$new" --arg a "$KEY" \
		'{provider: "todoist", token: $t, account: $a}')"
	sim DELETE "/_sim/accounts/todoist/$KEY"
	complete "$TASK"
	is "$STATUS $(field .writeback.reason)" '502 auth_failed' "the old one is dead"
	is "$(connection_says "$CONNECTION" status)" auth_failed "as is told"
	sql "update public.integrations set api_key = '$new'
		where id = '$CONNECTION'"
	is "$(connection_says "$CONNECTION" status)" active "the new one is tried"
	complete "$TASK"
	is_outcome accepted "done"
	TOKENS[todoist]=$new
}

test_without_a_key_nothing_is_sent() {
	sql "update public.integrations set api_key = '' where id = '$CONNECTION'"
	is "$(key_of "$CONNECTION")" 'plain unsealed' "there is none"
	is "$(connection_says "$CONNECTION" status)" no_key "as is told"
	mark
	uncomplete "$TASK"
	is_outcome skipped no_key
	poll_once "$CONNECTION"
	is "$(requests)" 0 "nobody is asked"
}

# What no header may carry would end it, or be another one.
test_a_key_that_no_request_can_carry_is_its_own_trouble() {
	local bad=() key good

	as_new_user
	plain todoist
	good=$CONNECTION
	make_task todoist 'Unharmed'
	for key in 'bad-1f2e3d4c'$'\r\n''X-Evil: 1' 'bad-1f2e3d4c'$'\n' \
		'bäd-1f2e3d4c' 'bad-1f2e3d4c'$'\001' ' ' "$(head -c 100000 /dev/zero |
			tr '\0' a)"; do
		CONNECTION=$(cat /proc/sys/kernel/random/uuid)
		plain_row todoist "$key"
		bad+=("$CONNECTION")
	done
	mark
	poll_once || flunk "a pass"
	is "$(last_run "$good")" complete "the others are polled"
	for CONNECTION in "${bad[@]}"; do
		isnt "$(last_run "$CONNECTION")" complete "it is not"
		isnt "$(connection_says "$CONNECTION" status) $(connection_says \
			"$CONNECTION" last_error)" 'active ' "and somebody is told"
		api GET "/v1/connections/$CONNECTION"
		unsaid 'bad-1f2e3d4c|aaaa' "without the key"
	done
	complete "$TASK"
	is_outcome accepted "done"
	is "$(cat "$STACK_DIR"/{gateway,poller}.log | grep -c '1f2e3d4c')" 0 \
		"no log has it"
	sim GET "/_sim/requests?since=$MARK"
	unlike "$BODY" 'X-Evil|1f2e3d4c' "nor did it go out"
	stack_setting api_keys seal
	poll_once "$good" || flunk "sealing does not stop at one"
	is "$(key_of "$good")" 'no sealed' "a good one is sealed"
	stack_setting api_keys keep
}

stack_whole && ada_has && run_tests
