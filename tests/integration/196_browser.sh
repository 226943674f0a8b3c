#!/bin/bash
# A page in a real browser: Debian's Chromium, driven by playwright-core, which is
# installed below build/ and kept there for the next run. Without a way to the npm
# registry, the first run fails.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=npm.sh
. "$(dirname "$0")/npm.sh"

sources=$STACK_ROOT/tests/browser
packages=$STACK_ROOT/build/browser/$(cat "$sources"/package*.json |
	sha256sum | cut -c1-16)

# a_page_calls ORIGIN METHOD PATH: in the browser, as the user. BODY is what the
# page may read, STATUS too; or STATUS is the name of the error that its script met.
a_page_calls() {
	local said

	said=$(jq -cn --arg url "$URL$3" --arg method "$2" --arg token "$TOKEN" \
		'{url: $url, method: $method,
			headers: {Authorization: "Bearer \($token)", Prefer: "wait=5"}}' |
		CHROMIUM=$(command -v chromium) HOME=$STACK_DIR \
			timeout 90 node "$STACK_DIR/browser/page.mjs" "$1" 2>>"$STACK_DIR/browser.log") ||
		flunk "the browser works: $(tail -5 "$STACK_DIR/browser.log")"
	STATUS=$(jq -r '.status // .error' <<<"$said")
	BODY=$(jq -r '.body // ""' <<<"$said")
	PAGE_HEADERS=$(jq -c '.headers // {}' <<<"$said")
}

test_a_page_of_a_listed_origin_completes_a_task() {
	a_page_calls "$LISTED" POST "/v1/tasks/$TASK/complete"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is told: $BODY"
	is "$(provider_says todoist "$ITEM")" completed "and so it is there"
	is "$(jq -r 'has("x-request-id")' <<<"$PAGE_HEADERS")" true \
		"it may read the request's id: $PAGE_HEADERS"
}

test_it_reads_why_a_completion_was_taken_back() {
	import_task todoist refused || return
	fault '{"kind": "forbidden", "write": true, "times": 1}'
	a_page_calls "$LISTED" POST "/v1/tasks/$TASK/complete"
	like "$STATUS" '^4|^5' "refused: $BODY"
	like "$(field .detail)" 'Todoist' "with a sentence that a person can read"
	is "$(field .rolled_back)" true "and what became of it"
}

test_a_page_of_another_origin_may_neither_call_nor_read() {
	import_task todoist stays || return
	mark
	a_page_calls "$OTHER" POST "/v1/tasks/$TASK/complete"
	is "$STATUS" TypeError "its script is told nothing: $BODY"
	is "$(writes)" 0 "and its call was not made"
	a_page_calls "$OTHER" GET /v1/tasks
	is "$STATUS" TypeError "nor may it read: $BODY"
}

stack_init || bail "no directory"
command -v chromium >/dev/null || bail "no chromium"
install_packages "$sources" "$packages" ||
	bail "no playwright-core: $(tail -3 "$STACK_DIR/npm.log")"
# beside its packages, which is where Node looks for them
mkdir "$STACK_DIR/browser"
cp "$sources/page.mjs" "$STACK_DIR/browser/" || bail "there is no page"
ln -s "$packages/node_modules" "$STACK_DIR/browser/node_modules"
port=$(stack_port)
LISTED=http://app.test:$port OTHER=http://other.test:$port
stack_setting cors_origins "$LISTED"
stack_whole && as_new_user && add_connection todoist &&
	add_own_item todoist 'to do' && add_own_item todoist refused &&
	add_own_item todoist stays && import_task todoist 'to do' && run_tests
