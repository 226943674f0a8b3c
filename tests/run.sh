#!/bin/bash
# A whole local Flowpin in the foreground, for `make run`: PostgreSQL, the three
# providers' simulator, gateway, nginx and poller, with a demo user who has a
# connection at each provider. Ctrl-C ends it and leaves nothing behind.
#
#	BUILD=build/release PORT=8080 tests/run.sh
#
# With TODOIST_TOKEN, LINEAR_API_KEY or ATTIO_API_KEY set, that provider is the
# real one. Its items appear in the inbox; nothing is changed there unless you
# import and complete one. TODOIST_URL, LINEAR_URL and ATTIO_URL say where that is,
# if not at its own address.
set -u -o pipefail

# Taken out of the environment at once: no program started here needs them.
declare -A real=(
	[todoist]=${TODOIST_TOKEN:-}
	[linear]=${LINEAR_API_KEY:-}
	[attio]=${ATTIO_API_KEY:-}
)
unset TODOIST_TOKEN LINEAR_API_KEY ATTIO_API_KEY
declare -A real_url=(
	[todoist]=${TODOIST_URL:-}
	[linear]=${LINEAR_URL:-}
	[attio]=${ATTIO_URL:-}
)
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
PORT=${PORT:-8080}
STACK_FSYNC=on
# shellcheck source-path=SCRIPTDIR source=stack.sh
. "$here/tests/stack.sh"

user=00000000-0000-4000-8000-000000000001
run_dir=$STACK_ROOT/build/run
env_file=$run_dir/$PORT/env
declare -A token connection

say() {
	echo "run: $*"
}

fail() {
	echo "run: $*" >&2
	exit 1
}

# fail_log NAME SENTENCE: with the end of NAME's log, which goes with the rest.
fail_log() {
	tail -n 20 "$STACK_DIR/$1.log" >&2
	shift
	fail "$@"
}

# api METHOD PATH [JSON]: as the demo user; prints the answer's body. The token
# and the body go past argv, where every account could read them.
api() {
	call "$1" "$URL$2" "${3:-}" "$STACK_DIR/api.curl"
}

sim() {
	call "$1" "$SIM_URL$2" "${3:-}" /dev/null
}

call() {
	local args=(-sS --fail-with-body --max-time 90 -K "$4" -X "$1") answer

	[ -z "$3" ] || args+=(-H 'Content-Type: application/json' --data-binary @-)
	answer=$(printf '%s' "$3" | curl "${args[@]}" "$2") ||
		fail "$1 $2 failed: $answer"
	printf '%s\n' "$answer"
}

add_connection() { # PROVIDER
	local provider=$1
	local -x key=${real[$1]} # for jq, past its argv

	if [ -z "$key" ]; then
		key=${token[$provider]}
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" \
			'{provider: $p, token: env.key}')" >/dev/null || exit 1
	fi
	connection[$provider]=$(api POST /v1/connections "$(jq -n \
		--arg t "$provider" --arg n "My ${provider^}" \
		'{type: $t, label: $n, key: env.key}')" |
		jq -r .connection.id) || exit 1
}

add_items() { # PROVIDER TITLE...
	local provider=$1 title

	shift
	[ -z "${real[$provider]}" ] || return 0
	for title; do
		sim POST /_sim/items "$(jq -n --arg p "$provider" \
			--arg t "$title" '{provider: $p, title: $t}')" \
			>/dev/null || exit 1
	done
}

import() { # PROVIDER TITLE
	local id

	[ -z "${real[$1]}" ] || return 0
	# Linear's titles have the issue's number before them
	id=$(api GET "/v1/inbox?connection_id=${connection[$1]}" | jq -r \
		--arg t "$2" '[.items[] | select(.title == $t or
			(.title | endswith("] " + $t)))][0].id // empty')
	[ -n "$id" ] || fail_log poller "'$2' did not arrive from $1"
	api POST "/v1/inbox/$id/import" >/dev/null || exit 1
}

demo() {
	local provider

	printf 'header = "Authorization: Bearer %s"\n' "$FLOWPIN_TOKEN" |
		(umask 077 && cat >"$STACK_DIR/api.curl")
	for provider in todoist linear attio; do
		add_connection "$provider"
	done
	add_items todoist 'Buy coffee' 'Call the dentist' 'Book the train' \
		'Water the plants'
	add_items linear 'Fix the login page' 'Write the release notes' \
		'Measure the search' 'Upgrade the database'
	add_items attio 'Send the offer to Acme' 'Prepare the review' \
		'Plan the visit' 'Thank the partner'
	stack_poll || fail_log poller "the first poll failed"
	import todoist 'Buy coffee'
	import todoist 'Call the dentist'
	import todoist 'Book the train'
	import linear 'Fix the login page'
	import linear 'Write the release notes'
	import linear 'Measure the search'
	import attio 'Send the offer to Acme'
	import attio 'Prepare the review'
	import attio 'Plan the visit'
	api POST /v1/tasks '{"title":"Plan the week"}' >/dev/null || exit 1
}

# Whole or not at all, and readable by its owner only: it holds keys.
write_env() { # FILE
	(umask 077 && env_text >"$1.$$") && mv -f "$1.$$" "$1"
}

env_text() {
	cat <<-ENV
		FLOWPIN_URL=$URL
		FLOWPIN_TOKEN=$FLOWPIN_TOKEN
		FLOWPIN_SIM_URL=$SIM_URL
		DATABASE_URL=$DATABASE_URL
		SIM_TODOIST_TOKEN=${token[todoist]}
		SIM_LINEAR_API_KEY=${token[linear]}
		SIM_ATTIO_TOKEN=${token[attio]}
	ENV
}

publish_env() {
	# a checkout of somebody else's: then it lies with the rest of the state
	if ! { mkdir -p "$run_dir/$PORT" && [ -w "$run_dir/$PORT" ] &&
		[ -w "$run_dir" ]; } 2>/dev/null; then
		run_dir=$STACK_DIR/run
		env_file=$run_dir/$PORT/env
		mkdir -p "$run_dir/$PORT" || exit 1
	fi
	write_env "$env_file" || fail "cannot write $env_file"
	write_env "$run_dir/env" || fail "cannot write $run_dir/env"
}

# Where it is this one's, env becomes that of the latest that still runs beside
# it, or goes.
withdraw_env() {
	local file port was_ours=

	cmp -s "$env_file" "$run_dir/env" && was_ours=1
	rm -f "$env_file"
	rmdir "$run_dir/$PORT" 2>/dev/null
	if [ -n "$was_ours" ]; then
		rm -f "$run_dir/env"
		while IFS= read -r file; do
			port=${file%/env}
			stack_is_taken "${port##*/}" || continue
			(umask 077 && cp "$file" "$run_dir/env.$$") &&
				mv -f "$run_dir/env.$$" "$run_dir/env"
			break
		done < <(ls -t "$run_dir"/*/env 2>/dev/null)
	fi
	rmdir "$run_dir" 2>/dev/null
}

finish() {
	local status=$?

	trap '' INT TERM HUP
	say "stopping"
	withdraw_env
	(exit "$status")
	stack_stop
}

task_of() { # PROVIDER PLACE.FIELD
	api GET "/v1/tasks?status=active&source=$1" | jq -r ".tasks$2 // empty"
}

# simulated PROVIDER...: the first of them that is.
simulated() {
	local provider

	for provider; do
		if [ -z "${real[$provider]}" ]; then
			echo "$provider"
			return
		fi
	done
}

# The change that the app's own client makes to a task that is completed.
row_change() { # TASK
	echo "update tasks set status = 'completed', completed_at = now()," \
		"updated_at = now() where id = '$1'"
}

# Each line works on its own, in any shell. They complete three tasks: of one
# provider there are as many, should the others be real.
explain() {
	local here row there provider
	local auth="-H 'Authorization: Bearer $FLOWPIN_TOKEN'"

	echo
	echo "Flowpin is at $URL; Ctrl-C stops it. To try it, in another terminal:"
	echo
	echo "  # the demo user's tasks"
	echo "  curl -sS $auth $URL/v1/tasks"
	here=$(simulated todoist attio linear)
	row=$(simulated attio linear todoist)
	there=$(simulated linear attio todoist)
	if [ -n "$here" ]; then
		echo
		echo "  # complete one by a call: ${here^} is told"
		echo "  curl -sS -X POST $auth" \
			"$URL/v1/tasks/$(task_of "$here" '[0].id')/complete"
		echo
		echo "  # complete one by its row, as the app does: ${row^} is" \
			"told within seconds"
		echo "  psql '$DATABASE_URL'" \
			"-c \"$(row_change "$(task_of "$row" '[1].id')")\""
		echo
		echo "  # complete one at ${there^}: a poll or two later it is" \
			"completed here"
		echo "  curl -sS -X PATCH -H 'Content-Type: application/json'" \
			"-d '{\"state\":\"completed\"}'" \
			"$SIM_URL/_sim/items/$there/$(task_of "$there" \
				'[-1].source_id')"
	fi
	for provider in todoist linear attio; do
		[ -n "${real[$provider]}" ] || continue
		echo
		echo "${provider^} is the real one: GET /v1/inbox lists its items," \
			"POST /v1/inbox/ID/import makes a task of one."
	done
	echo
	printf 'For scripts: . %q\n' "$env_file"
	echo "Logs and settings: $STACK_DIR"
}

# As a Supabase project does since October 2025: the simulator publishes the key that
# signs the demo user's token.
publish_keys() {
	"$STACK_BIN/flowpinctl" token-key "$STACK_DIR/jwt.key" \
		>"$STACK_DIR/jwks.json" || exit 1
	sim POST /_sim/keys "$(<"$STACK_DIR/jwks.json")" >/dev/null || exit 1
	stack_setting supabase_url "$SIM_URL"
}

main() {
	local provider simulated=()

	[[ $PORT =~ ^[1-9][0-9]{0,4}$ && $PORT -lt 65536 ]] ||
		fail "PORT must be a number from 1 to 65535, not '$PORT'"
	stack_is_taken "$PORT" &&
		fail "port $PORT is in use; choose another one: make run PORT=8081"
	token=(
		[todoist]=sim-todoist-$(openssl rand -hex 12)
		[linear]=lin_api_sim$(openssl rand -hex 12)
		[attio]=sim-attio-$(openssl rand -hex 12)
	)

	stack_init || exit 1
	trap finish EXIT
	stack_setting poll_interval_ms 4000
	for provider in todoist linear attio; do
		if [ -z "${real[$provider]}" ]; then
			simulated+=("$provider")
		elif [ -n "${real_url[$provider]}" ]; then
			stack_setting "${provider}_url" "${real_url[$provider]}"
		fi
	done
	say "in $STACK_DIR"
	say "starting PostgreSQL"
	stack_postgres || exit 1
	say "creating the tables"
	stack_migrate || exit 1
	say "starting the providers' simulator"
	stack_sim "${simulated[@]:-none}" || exit 1
	publish_keys
	say "starting the gateway"
	stack_gateway || exit 1
	say "starting nginx"
	stack_nginx "$PORT" || exit 1
	stack_until 30 curl -fs -o /dev/null "$URL/healthz" ||
		fail_log gateway "no answer from the gateway"
	FLOWPIN_TOKEN=$("$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		token "$user" --life 604800 --key "$STACK_DIR/jwt.key") || exit 1
	say "adding a demo user's connections, items and tasks"
	demo
	say "polling every 5 seconds"
	stack_pollers 5
	publish_env
	explain
	watch
}

# Should a part end, all of it does: half a Flowpin only confuses.
watch() {
	local entry

	wait -n
	for entry in "${STACK_PIDS[@]}"; do
		stack_alive "${entry%%:*}" ||
			fail_log "${entry%%:*}" "${entry%%:*} ended"
	done
}

main
