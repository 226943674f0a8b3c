#!/bin/bash
# Users of a project that publishes the keys of its tokens: the gateway fetches them, at
# most as often as the project can bear, and goes on with them while it is away.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# new_key NAME: a key pair in files of its own.
new_key() {
	rm -f "$KEYS/$1.key"
	"$STACK_BIN/flowpinctl" token-key "$KEYS/$1.key" >"$KEYS/$1.set" ||
		flunk "a key is made"
}

# publish NAME...: what the project publishes from now on; EXTRA has further members.
publish() {
	local extra=${EXTRA:-}

	sim POST /_sim/keys "$(cd "$KEYS" && cat "${@/%/.set}" |
		jq -s "{keys: (map(.keys) | add)} + ${extra:-null}")"
}

asked() {
	sim GET /_sim/keys
	field .asked
}

# by_key NAME [COMMAND...]: TOKEN is the user's, signed with that key.
by_key() {
	TOKEN=$("${@:2}" "$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		token "$DEMO_USER" --key "$KEYS/$1.key") || flunk "a token is made"
}

lists() {
	api GET /v1/tasks
	[ "$STATUS" = 200 ]
}

# is_refused WHY: with a plain 401, and only the log says why.
is_refused() {
	api GET /v1/tasks
	is "$STATUS $(field .code)" "401 unauthorized" "it is refused: $BODY"
	unlike "$BODY" "$1" "the caller is not told why"
	ok "the log is" grep -q "$1" "$STACK_DIR/gateway.log"
}

test_users_of_a_project_that_publishes_its_keys_are_let_in() {
	by_key first
	wait_until 10 lists || flunk "listed: $STATUS $BODY"
	is "$(asked)" 1 "the keys were fetched once"
	is "$(sql "select count(*) from key_sets where keys like '%keys%'")" 1 \
		"and are kept"
}

test_a_token_of_another_project_is_refused() {
	by_key first env FLOWPIN_JWT_ISSUER=https://other.supabase.co/auth/v1
	is_refused 'another issuer'
}

test_a_token_for_another_audience_is_refused() {
	by_key first env FLOWPIN_JWT_AUDIENCE=others
	is_refused 'another audience'
}

# The legacy secret still counts, as long as it is configured.
test_tokens_of_both_kinds_count_while_a_project_moves() {
	TOKEN=$("$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		token "$DEMO_USER")
	lists || flunk "the shared secret's: $STATUS $BODY"
	by_key first
	lists || flunk "the published key's: $STATUS $BODY"
}

test_what_is_signed_with_an_unpublished_key_is_refused_without_a_storm() {
	local before i

	before=$(asked)
	new_key stranger
	by_key stranger
	for i in 1 2 3 4 5 6; do
		is_refused 'a key that is not known'
	done
	[ $(($(asked) - before)) -le 1 ] || flunk "six calls are one fetch at most"
}

# A standby key is published, and the project signs with it before the next fetch is due.
test_a_key_that_is_new_is_fetched_when_a_token_names_it() {
	local before

	new_key second
	publish first second
	before=$(asked)
	by_key second
	wait_until 30 lists || flunk "let in: $STATUS $BODY"
	is $(($(asked) - before)) 1 "one fetch"
}

# A quarter of the workers wait for it; the rest are for keys that are known.
test_many_calls_with_a_new_key_are_one_fetch() {
	local before i waited=0

	new_key third
	EXTRA='{delay_ms: 1200}' publish first second third
	stack_end gateway
	before=$(asked)
	stack_gateway || bail "the gateway does not come back"
	by_key third
	for i in {1..20}; do
		call_behind "$i" GET /v1/tasks
	done
	for i in {1..20}; do
		call_joined "$i"
		[ "$STATUS" != 200 ] || waited=$((waited + 1))
		like "$STATUS" '^(200|503)$' "call $i waits, or is told to come back: $BODY"
	done
	[ "$waited" -ge 16 ] || flunk "only $waited waited"
	is $(($(asked) - before)) 1 "one fetch"
}

test_a_gateway_starts_while_the_project_is_away() {
	EXTRA='{status: 503}' publish first second third
	restart_gateway
	by_key second
	lists || flunk "with the keys that are kept: $STATUS $BODY"
	wait_until 10 grep -q 'cannot be fetched.*HTTP 503' "$STACK_DIR/gateway.log" ||
		flunk "the log says so"
}

test_a_key_that_is_published_no_longer_lets_nobody_in() {
	publish second
	restart_gateway
	by_key second
	wait_until 10 lists || flunk "the other one does"
	by_key first
	is_refused 'a key that is not known'
}

# A shared secret is never published; whoever does has no key that counts.
test_a_set_without_a_key_of_use_lets_nobody_in() {
	sim POST /_sim/keys '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'
	restart_gateway
	by_key second
	wait_until 10 grep -q 'publishes no key' "$STACK_DIR/gateway.log" ||
		flunk "the log says so"
	is_refused 'a key that is not known'
}

# A client that is told 401 may throw its session away: that is for bad tokens.
test_without_any_keys_it_is_not_the_tokens_fault() {
	sql 'delete from key_sets' >/dev/null
	EXTRA='{status: 503}' publish second
	restart_gateway
	by_key second
	api GET /v1/tasks
	is "$STATUS" 503 "nobody can know: $BODY"
	like "$(header retry-after)" '^[0-9]+$' "try again"
	publish second
	wait_until 40 lists || flunk "once they are there: $STATUS $BODY"
}

test_keys_may_be_in_a_file() {
	stack_end gateway
	new_key own
	cp "$KEYS/own.set" "$KEYS/file.json"
	stack_setting jwks_file "$KEYS/file.json"
	stack_gateway || bail "no gateway"
	by_key own
	lists || flunk "let in: $STATUS $BODY"
	by_key second
	is_refused 'a key that is not known'
}

stack_init || bail "no directory"
KEYS=$STACK_DIR/keys
mkdir "$KEYS" && stack_setting log_level debug
stack_sim || bail "no simulator"
stack_setting supabase_url "$SIM_URL"
new_key first && curl -sS -o /dev/null -d @"$KEYS/first.set" "$SIM_URL/_sim/keys"
stack_whole && run_tests
