#!/bin/bash
# Pages of other origins call if they are listed: every answer tells their browser so,
# errors too, whoever makes them. A real browser is the judge of the last cases.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

LISTED=https://app.example.com
STACK_ORIGINS="$LISTED http://localhost:5173"
OTHER=https://evil.example.com

# from ORIGIN METHOD PATH [BODY [HEADER...]]
from() {
	api "$2" "$3" "${4:-}" "Origin: $1" "${@:5}"
}

# is_open STATUS WHAT: the listed page may read it.
is_open() {
	is "$STATUS" "$1" "$2: $BODY"
	is "$(header access-control-allow-origin)" "$LISTED" "$2: for this origin"
	like "$(header vary)" Origin "$2: a cache keeps it apart"
	is "$(header access-control-allow-credentials)" '' "$2: no cookies"
}

is_closed() {
	is "$STATUS" "$1" "$2: $BODY"
	is "$(header access-control-allow-origin)" '' "$2: for nobody's page"
	like "$(header vary)" Origin "$2: a cache keeps it apart"
}

# preflight ORIGIN METHOD PATH: what a browser asks, without a token.
preflight() {
	anonymous OPTIONS "$3" '' "Origin: $1" \
		"Access-Control-Request-Method: $2" \
		'Access-Control-Request-Headers: authorization,content-type,prefer'
}

test_every_answer_is_for_a_listed_page() {
	from "$LISTED" GET /v1/tasks
	is_open 200 "a list"
	from "$LISTED" POST /v1/tasks '{"title": "From a page"}'
	is_open 201 "a task"
	like "$(header access-control-expose-headers)" 'Location.*Retry-After.*X-Request-Id.*Preference-Applied' \
		"it may read these headers"
	TASK=$(field .task.id)
	from "$LISTED" POST "/v1/tasks/$TASK/complete"
	is_open 200 "a completion"
	from http://localhost:5173 GET /v1/tasks
	is "$(header access-control-allow-origin)" http://localhost:5173 \
		"each listed origin is answered with its own name"
}

test_errors_are_readable_too() {
	from "$LISTED" GET /v1/nothing
	is_open 404 "no such path"
	from "$LISTED" PUT /v1/tasks '{}'
	is_open 405 "another method"
	from "$LISTED" POST /v1/tasks '{'
	is_open 400 "no JSON"
	from "$LISTED" POST /v1/tasks "{\"title\": \"$(repeated 70000 x)\"}"
	is_open 413 "too large for the gateway"
	anonymous GET /v1/tasks '' "Origin: $LISTED"
	is_open 401 "no token"
}

# repeated COUNT TEXT
repeated() {
	printf "$2%.0s" $(seq "$1")
}

test_so_are_those_that_nginx_makes() {
	head -c 1100000 /dev/zero | tr '\0' x >"$STACK_DIR/large"
	curl -sS -D "$STACK_DIR/head" -o "$STACK_DIR/body" -H "Origin: $LISTED" \
		-H 'Content-Type: application/json' --data-binary \
		@"$STACK_DIR/large" "$URL/v1/tasks"
	HEADERS=$(tr -d '\r' <"$STACK_DIR/head") BODY=$(cat "$STACK_DIR/body")
	read -r _ STATUS _ <<<"$HEADERS"
	is_open 413 "too large for nginx"
	stack_end gateway
	from "$LISTED" GET /v1/tasks
	is_open 503 "no gateway"
	from "$OTHER" GET /v1/tasks
	is_closed 503 "no gateway"
	stack_gateway || bail "the gateway does not come back"
}

test_a_page_that_is_not_listed_may_read_nothing() {
	local origin

	for origin in "$OTHER" null "${LISTED}.evil.com" "${LISTED}:8443" \
		"${LISTED,,}/" http://app.example.com app.example.com '*' \
		"$LISTED http://localhost:5173"; do
		from "$origin" GET /v1/tasks
		is_closed 200 "'$origin'"
		preflight "$origin" POST /v1/tasks
		is_closed 204 "'$origin' asking"
		is "$(header access-control-allow-methods)" '' "'$origin': no methods"
	done
}

test_a_browser_that_asks_first_is_told_what_the_path_takes() {
	preflight "$LISTED" PATCH /v1/connections/00000000-0000-4000-8000-000000000009
	is_open 204 "a connection"
	is "$(header access-control-allow-methods)" 'GET, HEAD, PATCH, DELETE, OPTIONS' \
		"its methods"
	is "$(header access-control-allow-headers)" \
		'Authorization, Content-Type, Idempotency-Key, Prefer' "and headers"
	like "$(header access-control-max-age)" '^[0-9]+$' "for a while"
	is "$BODY" '' "nothing else"
	preflight "$LISTED" POST /v1/nothing
	is_open 404 "no such path"
}

test_options_tells_the_methods_of_a_path_to_anybody() {
	anonymous OPTIONS /v1/tasks
	is "$STATUS $(header allow)" '204 GET, HEAD, POST, OPTIONS' "without a token"
	anonymous OPTIONS /healthz
	is "$STATUS $(header allow)" '204 GET, HEAD, OPTIONS' "of a read"
	anonymous OPTIONS /nothing
	is "$STATUS" 404 "of no path"
}

test_head_is_get_without_what_it_answers() {
	local get head path

	for path in /v1/tasks /healthz /v1/events; do
		api GET "$path"
		get="$STATUS $(header content-type) $(header content-length)"
		curl -sS -K "$STACK_DIR/api.curl" -I -D "$STACK_DIR/head" \
			-o /dev/null "$URL$path"
		HEADERS=$(tr -d '\r' <"$STACK_DIR/head")
		read -r _ STATUS _ <<<"$HEADERS"
		head="$STATUS $(header content-type) $(header content-length)"
		is "$head" "$get" "$path: the same head"
	done
	curl -sS -I -D "$STACK_DIR/head" -o /dev/null "$URL/v1/tasks"
	like "$(head -1 "$STACK_DIR/head")" ' 401' "a token is needed, too"
}

test_without_the_setting_no_browser_is_told_anything() {
	stack_end gateway
	sed -i '/^cors_origins/d' "$STACK_DIR/flowpin.conf"
	stack_gateway || bail "no gateway"
	from "$LISTED" GET /v1/tasks
	is "$STATUS $(header access-control-allow-origin)$(header vary)" '200 ' \
		"nothing of origins"
	preflight "$LISTED" POST /v1/tasks
	is "$STATUS $(header access-control-allow-origin)" '204 ' "nor when it asks"
}

stack_init || bail "no directory"
stack_setting cors_origins "$LISTED, http://localhost:5173"
stack_whole && run_tests
