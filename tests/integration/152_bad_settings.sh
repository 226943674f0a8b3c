#!/bin/bash
# Started with settings that are missing or wrong, or without its database, every
# program says one sentence that names what is the matter and ends with a status
# that says so; it never says a password or a key.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=refusals.sh
. "$(dirname "$0")/refusals.sh"

GATEWAY=flowpin-gateway
POLLER=flowpin-poller
CHECK='flowpinctl check-config'
DOCTOR='flowpinctl doctor'
MIGRATE='flowpinctl migrate'
AS=() # in front of the command, to be somebody else
CONF=

# run_with PROGRAM [COMMAND]: with $CONF. Sets STATUS, and SAID to what it said
# on standard error.
run_with() {
	SAID=$(timeout 60 "${AS[@]}" "$STACK_BIN/$1" --config "$CONF" "${@:2}" \
		2>&1 >/dev/null)
	STATUS=$?
}

# changed [NAME=VALUE...]: $CONF is the good one but for these; a value of - leaves
# the setting out.
changed() {
	local change

	CONF=$STACK_DIR/changed.conf
	cp "$STACK_DIR/flowpin.conf" "$CONF"
	for change; do
		sed -i "/^${change%%=*} = /d" "$CONF"
		[ "${change#*=}" = - ] ||
			echo "${change%%=*} = ${change#*=}" >>"$CONF"
	done
}

# refuses PATTERN PROGRAM...: each of them, with $CONF.
refuses() {
	local pattern=$1 program

	shift
	for program; do
		# shellcheck disable=SC2086 # a program and its command
		run_with $program
		is "$STATUS" 1 "$program ends with 1: $SAID"
		is "$(grep -c '' <<<"$SAID")" 1 "$program says one line: $SAID"
		like "$SAID" "^${program%% *}: .*($pattern)" "$program names it"
		unlike "$SAID" 'Sanitizer|runtime error|s3cret' \
			"$program says no more than that"
	done
}

# accepts PROGRAM...
accepts() {
	local program

	for program; do
		# shellcheck disable=SC2086
		run_with $program
		is "$STATUS" 0 "$program: $SAID"
	done
}

test_good_settings_are_accepted() {
	changed
	accepts "$GATEWAY --check" "$POLLER" "$CHECK" "$DOCTOR" "$MIGRATE"
}

test_a_required_setting_that_is_missing_is_named() {
	local value

	for value in - ''; do
		changed "database_url=$value"
		refuses 'setting database_url is missing' "$GATEWAY" \
			"$GATEWAY --check" "$POLLER" "$CHECK" "$DOCTOR" "$MIGRATE"
		changed "master_key_files=$value"
		refuses 'setting master_key_files is missing' "$GATEWAY" \
			"$POLLER" "$CHECK" "$DOCTOR"
		changed "jwt_secret_files=$value"
		refuses 'supabase_url, jwks_file or jwt_secret_files' "$GATEWAY" \
			"$CHECK" "$DOCTOR"
		refuses 'setting jwt_secret_files is missing' \
			"flowpinctl token $DEMO_USER"
	done
}

test_what_a_program_does_not_need_may_be_missing() {
	changed jwt_secret_files=-
	accepts "$POLLER" "$MIGRATE"
	changed jwt_secret_files=- master_key_files=-
	accepts "$MIGRATE"
}

test_a_configuration_that_cannot_be_read_is_named() {
	CONF=$STACK_DIR/none.conf
	refuses "configuration $CONF: No such file" "$GATEWAY" "$POLLER" "$CHECK"
	CONF=$STACK_DIR
	refuses "configuration $CONF: Is a directory" "$GATEWAY" "$POLLER" \
		"$CHECK"
}

test_a_line_that_is_no_setting_is_named_with_its_place() {
	local line

	while IFS='|' read -r line wanted; do
		changed
		echo "$line" >>"$CONF"
		refuses "changed.conf:$(wc -l <"$CONF"): $wanted" "$GATEWAY" \
			"$POLLER" "$CHECK" "$MIGRATE"
	done <<-'LINES'
		database_ur1 = x|there is no setting 'database_ur1'
		Workers = 4|there is no setting 'Workers'
		= 4|there is no setting ''
		workers 4|expected name = value
		workers|expected name = value
		[gateway]|expected name = value
	LINES
}

test_a_bad_number_is_named_with_its_bounds() {
	local value name

	for value in x 1.5 1e2 '4 workers' 0x10 -1 0 513 99999999999999999999 ''; do
		changed "workers=$value"
		refuses "workers must be a whole number from 1 to 512, not '$value'" \
			"$GATEWAY" "$POLLER" "$CHECK"
	done
	for name in database_connections query_timeout_ms call_deadline_ms \
		provider_timeout_ms connect_timeout_ms lease_ms give_up_ms \
		sweep_ms stop_ms body_max_bytes poll_interval_ms poll_lease_ms \
		poll_concurrency poll_max_items retain_writebacks_days; do
		changed "$name=-1"
		refuses "$name must be a whole number" "$CHECK"
	done
	changed
	FLOWPIN_WORKERS=many refuses "FLOWPIN_WORKERS: workers must be" \
		"$GATEWAY" "$POLLER" "$CHECK"
	changed log_level=loud
	refuses 'log_level must be' "$GATEWAY" "$POLLER" "$CHECK"
	changed call_deadline_ms=20000 lease_ms=20500
	refuses 'lease_ms must be at least a second more' "$GATEWAY"
}

test_a_bad_secret_is_named_and_not_said() {
	local file=$STACK_DIR/s

	changed "jwt_secret_files=$STACK_DIR/none"
	refuses "jwt_secret_files: cannot read $STACK_DIR/none: No such file" \
		"$GATEWAY" "$CHECK"
	changed "jwt_secret_files=$STACK_DIR"
	refuses "jwt_secret_files: cannot read $STACK_DIR: Is a directory" \
		"$GATEWAY" "$CHECK"
	changed "jwt_secret_files=$file"
	: >"$file"
	refuses "jwt_secret_files: $file is empty" "$GATEWAY" "$CHECK"
	printf ' \n' >"$file"
	refuses "jwt_secret_files: $file is empty" "$GATEWAY" "$CHECK"
	echo s3cret >"$file"
	refuses 'jwt_secret_files: .*shorter than 32 bytes' "$GATEWAY" "$CHECK"
}

test_a_bad_key_set_is_named() {
	local file=$STACK_DIR/set.json

	changed "jwks_file=$STACK_DIR/none.json" jwt_secret_files=-
	refuses "jwks_file: cannot read $STACK_DIR/none.json: No such file" \
		"$GATEWAY" "$CHECK"
	changed "jwks_file=$file" jwt_secret_files=-
	echo '{"keys": []}' >"$file"
	refuses "jwks_file: $file: .*no public key" "$GATEWAY" "$CHECK"
	echo '<html>' >"$file"
	refuses "jwks_file: $file: key set" "$GATEWAY" "$CHECK"
	rm -f "$file.key"
	"$STACK_BIN/flowpinctl" token-key "$file.key" >"$file"
	accepts "$CHECK"
	changed "supabase_url=http://ref.supabase.co" jwt_secret_files=-
	refuses 'supabase_url must be https' "$GATEWAY" "$CHECK"
}

test_what_is_no_origin_is_named() {
	local origin

	for origin in '*' null app.example.com https://app.example.com/ \
		https://App.example.com 'https://*.example.com' ftp://a.example.com \
		https:// "https://$(printf 'a%.0s' {1..220}).example.com"; do
		changed "cors_origins=https://good.example.com, $origin"
		refuses 'cors_origins: .* is no origin' "$GATEWAY" "$CHECK"
	done
	changed 'cors_origins=https://good.example.com http://localhost:5173,http://[::1]:80'
	accepts "$CHECK"
}

test_a_bad_master_key_is_named_and_not_said() {
	local file=$STACK_DIR/m content

	changed "master_key_files=$STACK_DIR/none"
	refuses "master key file $STACK_DIR/none: No such file" "$GATEWAY" \
		"$POLLER" "$CHECK"
	changed "master_key_files=$STACK_DIR"
	refuses "master key file $STACK_DIR: Is a directory" "$GATEWAY" \
		"$POLLER" "$CHECK"
	changed "master_key_files=$file"
	for content in '' ' ' s3cret "$(repeated 63 a)" "$(repeated 65 a)" \
		"$(repeated 64 g)" "$(repeated 64 a) $(repeated 64 b)" \
		"$(repeated 100000 a)"; do
		printf '%s\n' "$content" >"$file"
		refuses "master key file $file: not 64 hex digits" "$GATEWAY" \
			"$POLLER" "$CHECK"
	done
	cp "$STACK_DIR/master.key" "$file"
	changed "master_key_files=$STACK_DIR/master.key, $file"
	refuses "master key file $file: the key is there twice" "$GATEWAY" \
		"$POLLER" "$CHECK"
	changed 'master_key_files=,'
	refuses 'master_key_files' "$GATEWAY" "$POLLER" "$CHECK"
}

# As somebody who may not: root may read everything.
test_a_file_that_may_not_be_read_is_named() {
	local bin=$STACK_BIN

	if [ "$EUID" = 0 ]; then
		mkdir "$STACK_DIR/bin"
		cp "$STACK_BIN"/flowpin* "$STACK_DIR/bin/"
		STACK_BIN=$STACK_DIR/bin
		AS=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
	fi
	changed
	chmod 0 "$CONF"
	refuses "configuration $CONF: Permission denied" "$GATEWAY" "$POLLER" \
		"$CHECK"
	chmod 644 "$CONF"
	(umask 077 && openssl rand -hex 32 >"$STACK_DIR/closed")
	[ "$EUID" = 0 ] || chmod 0 "$STACK_DIR/closed"
	install -m 644 "$STACK_DIR/jwt.secret" "$STACK_DIR/open"
	changed "jwt_secret_files=$STACK_DIR/closed" \
		"master_key_files=$STACK_DIR/closed"
	chmod 644 "$CONF"
	refuses "cannot read $STACK_DIR/closed: Permission denied" "$GATEWAY" \
		"$CHECK"
	sed -i "s|^jwt_secret_files.*|jwt_secret_files = $STACK_DIR/open|" "$CONF"
	refuses "master key file $STACK_DIR/closed: Permission denied" \
		"$GATEWAY" "$POLLER" "$CHECK"
	STACK_BIN=$bin AS=()
}

test_a_database_url_that_is_none_is_named_and_not_said() {
	local url

	for url in nonsense s3cret 'mysql://u:s3cret@127.0.0.1/x' \
		'postgresql://u:s3cret%zz@127.0.0.1/x' \
		'postgresql://u:s3cret@[::1/x' 'postgresql://u:s3cret@127.0.0.1:x/y' \
		'postgresql://u:s3cret/more@127.0.0.1:1/x' \
		'postgresql://u:more@s3cret@127.0.0.1/x' \
		'postgresql://u:p@127.0.0.1/x?s3cret=y' "host=h password='s3cret" \
		'host=h password=more s3cret'; do
		changed "database_url=$url"
		refuses 'database_url is not as libpq wants it' "$GATEWAY" \
			"$GATEWAY --check" "$POLLER" "$DOCTOR" "$MIGRATE"
	done
}

test_parameters_of_other_drivers_are_passed_over_and_unknown_ones_named() {
	local at=postgresql://u:s3cret@127.0.0.1:1/x

	changed "database_url=$at?pgbouncer=true&connect_timeout=3&connection_limit=1"
	# shellcheck disable=SC2086 # a program and its option
	run_with $GATEWAY --check
	is "$STATUS" 1 "nobody is there: $SAID"
	like "$SAID" 'cannot reach the database: .*port 1 .*refused' "it was tried"
	unlike "$SAID" s3cret "without the password"
	like "$SAID" 'another driver.*name=pgbouncer' "the one is named"
	like "$SAID" 'another driver.*name=connection_limit' "and the other"
	changed "database_url=$at?conect_timeout=3"
	refuses "libpq has no parameter 'conect_timeout'" "$GATEWAY --check"
}

test_a_database_that_cannot_be_reached_is_named() {
	local all=("$GATEWAY --check" "$POLLER" "$DOCTOR" "$MIGRATE")
	local at=127.0.0.1:$STACK_PG_PORT

	changed "database_url=postgresql://u:s3cret@127.0.0.1:1/x"
	refuses 'cannot reach the database: .*"127.0.0.1", port 1 .*refused' \
		"${all[@]}"
	changed "database_url=postgresql://u:s3cret@nowhere.invalid/x"
	refuses 'cannot reach the database: .*"nowhere.invalid"' "${all[@]}"
	changed "database_url=host=$STACK_DIR/none user=u password=s3cret"
	refuses "cannot reach the database: .*No such file" "${all[@]}"
	changed "database_url=postgresql://flowpin:s3cret@$at/flowpin"
	refuses 'cannot reach the database: .*password authentication failed' \
		"${all[@]}"
	changed "database_url=${DATABASE_URL%/*}/nothing"
	refuses 'cannot reach the database: .*"nothing" does not exist' \
		"${all[@]}"
	# somebody takes the connection and says nothing
	stack_start silent python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)'
	stack_await silent test -s "$STACK_DIR/silent.log" || return
	changed connect_timeout_ms=300 "database_url=postgresql://u:s3cret@127.0.0.1:$(
		cat "$STACK_DIR/silent.log")/x"
	refuses 'cannot reach the database: no answer in time' "${all[@]}"
	stack_end silent
}

test_a_schema_that_lacks_something_is_named() {
	stack_admin postgres -c 'create database empty owner flowpin'
	changed "database_url=${DATABASE_URL%/*}/empty"
	refuses 'no Flowpin schema yet: run flowpinctl migrate' "$GATEWAY" \
		"$GATEWAY --check" "$POLLER" "$DOCTOR"
	accepts "$MIGRATE" "$GATEWAY --check" "$POLLER" "$DOCTOR"
	STACK_DATABASE=empty sql "delete from gateway.migrations where number =
		(select max(number) from gateway.migrations)"
	refuses "schema is older than this program: run flowpinctl migrate" \
		"$GATEWAY" "$GATEWAY --check" "$POLLER" "$DOCTOR"
}

test_an_address_that_is_not_allowed_is_named() {
	local provider url

	for provider in $(providers); do
		for url in x http://api.example.com ftp://127.0.0.1/ '' \
			file:///etc/passwd http://127.0.0.1.example.com \
			http://localhost@example.com; do
			changed "${provider}_url=$url"
			refuses "${provider}_url must begin with https://" \
				"$GATEWAY --check" "$POLLER" "$CHECK"
		done
	done
	changed "ca_file=$STACK_DIR/none"
	refuses "certificates from $STACK_DIR/none" "$GATEWAY --check" "$POLLER" \
		"$CHECK"
}

test_a_socket_that_cannot_be_is_named() {
	changed "socket=$STACK_DIR/none/s"
	refuses "socket: cannot listen on $STACK_DIR/none/s: No such file" \
		"$GATEWAY"
	changed "socket=$STACK_DIR/$(repeated 200 s)"
	refuses "socket: the path is too long" "$GATEWAY"
	echo mine >"$STACK_DIR/file"
	changed "socket=$STACK_DIR/file"
	refuses "socket: cannot listen on $STACK_DIR/file: Address already" \
		"$GATEWAY"
	is "$(cat "$STACK_DIR/file")" mine "what lay there still does"
	stack_gateway || return
	changed
	refuses "socket: cannot listen on .*: Address already in use" "$GATEWAY"
	ok "the first goes on" stack_alive gateway
	stack_end gateway
}

test_arguments_that_are_none_are_named() {
	local program

	changed
	while IFS='|' read -r program wanted; do
		# shellcheck disable=SC2086
		run_with $program
		is "$STATUS" 2 "$program ends with 2"
		like "$SAID" "^${program%% *}: .*$wanted" "it says what"
		is "$(grep -c '' <<<"$SAID")" 1 "in one line"
	done <<-'PROGRAMS'
		flowpin-gateway --chekc|no such option: --chekc
		flowpin-gateway now|no such option: now
		flowpin-gateway --check now|no such option: now
		flowpin-poller --connection|needs an id
		flowpin-poller --connection 1|needs an id
		flowpin-poller all|no such option: all
		flowpinctl|which command
		flowpinctl migarte|no such command: migarte
		flowpinctl token|usage: token USER_ID
		flowpinctl token ada|usage: token .*an ID is a UUID
		flowpinctl guard approve ada|usage: guard .*an ID is a UUID
		flowpinctl explain ada|usage: explain .*an ID is a UUID
	PROGRAMS
	for program in "$GATEWAY" "$POLLER" flowpinctl; do
		SAID=$("$STACK_BIN/$program" --config 2>&1)
		is "$? $SAID" "2 $program: --config needs a file" "$program"
	done
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
stack_migrate || bail "no schema"
run_tests
