# shellcheck shell=bash
# shellcheck disable=SC2034 # what the verbs set is for the suites
# Flowpin's own database, as its app makes it, for suites that install the gateway
# on it; and what a schema is, to compare.

FLOWPIN_SCHEMAS=$STACK_ROOT/tests/fixtures/flowpin

# new_database NAME [OWNER]: empty; the gateway's role owns it if nobody is named.
# `sql` and the programs of run_on go there.
new_database() {
	STACK_DATABASE=$1
	stack_admin postgres -c "create database $1 owner ${2:-flowpin}"
}

# flowpins_database NAME [early|later]: with the app's tables, which are a role's that
# is no superuser; and a user, ADA, with a bucket. Tables of the earlier form if
# nothing is said.
flowpins_database() {
	stack_admin postgres -A -t -c "select rolname from pg_roles
		where rolname = 'flowpins_owner'" | grep -q . ||
		stack_admin postgres -c 'create role flowpins_owner login createrole'
	new_database "$1" flowpins_owner || return 1
	PGOPTIONS='-c client_min_messages=error' \
		stack_admin "$1" -f "$FLOWPIN_SCHEMAS/schema.sql" || return 1
	[ "${2:-early}" = early ] ||
		stack_admin "$1" -f "$FLOWPIN_SCHEMAS/later.sql" || return 1
	stack_admin "$1" <<-SQL
		do \$\$
		declare
			name text;
		begin
			for name in select format('table public.%I', c.relname)
			  from pg_class c
			 where c.relnamespace = 'public'::regnamespace
			   and c.relkind = 'r'
			loop
				execute format('alter %s owner to flowpins_owner', name);
			end loop;
			for name in select format('type public.%I', t.typname)
			  from pg_type t
			 where t.typnamespace = 'public'::regnamespace
			   and t.typtype = 'e'
			loop
				execute format('alter %s owner to flowpins_owner', name);
			end loop;
		end
		\$\$;
		grant create, usage on schema public to flowpins_owner;
		insert into auth.users (id, email) values ('$ADA', 'ada@example.com');
	SQL
}

ADA=00000000-0000-4000-8000-0000000000ad

# url_of DATABASE [ROLE]: for the programs. The role is the server's owner's to make,
# and has the password of the stack's own.
url_of() {
	local password=${DATABASE_URL#*://flowpin:}

	password=${password%%@*}
	[ $# -lt 2 ] || stack_admin postgres -c "alter role $2 password '$password'"
	echo "postgresql://${2:-flowpin}:$password@127.0.0.1:$STACK_PG_PORT/$1"
}

# ctl DATABASE ROLE COMMAND...: flowpinctl there; sets SAID and STATUS.
ctl() {
	SAID=$(FLOWPIN_DATABASE_URL=$(url_of "$1" "$2") \
		"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		"${@:3}" 2>&1)
	STATUS=$?
	[ $STATUS = 0 ]
}

# owner_sql STATEMENT: as who owns the app's tables; no search path helps it.
owner_sql() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U flowpins_owner -d "$STACK_DATABASE" -c "$1"
}

# client_sql STATEMENT: as the app's client does through the data API.
client_sql() {
	stack_admin "$STACK_DATABASE" -A -t -c "set role authenticated" \
		-c "set request.jwt.claims = '{\"sub\": \"${CLIENT:-$ADA}\"}'" \
		-c "set statement_timeout = '8s'" -c "$1"
}

# catalogue DATABASE SCHEMA...: all that is in these, a line each, whatever the order
# in which it was made.
catalogue() {
	local schema list=''

	for schema in "${@:2}"; do
		list+="${list:+, }'$schema'"
	done
	stack_admin "$1" -A -t <<-SQL | tr '\n\036' '\v\n' | LC_ALL=C sort
		set search_path = '';
		create temporary view spaces as
		select oid from pg_namespace where nspname in ($list);
		select e'\036schema', n.nspname, obj_description(n.oid, 'pg_namespace'),
		       array(select a::text from unnest(n.nspacl) a order by 1)
		  from pg_namespace n where n.nspname in ($list);
		select e'\036relation', c.oid::regclass, c.relkind, c.relrowsecurity,
		       c.relforcerowsecurity, c.reloptions,
		       obj_description(c.oid, 'pg_class'),
		       array(select a::text from unnest(coalesce(c.relacl,
				acldefault('r', c.relowner))) a order by 1)
		  from pg_class c
		 where c.relnamespace in (table spaces)
		   and c.relkind in ('r', 'v', 'S', 'p', 'm');
		select e'\036column', c.oid::regclass, a.attname,
		       format_type(a.atttypid, a.atttypmod), a.attnotnull,
		       a.attidentity, a.attgenerated,
		       pg_get_expr(d.adbin, d.adrelid),
		       col_description(c.oid, a.attnum), a.attacl
		  from pg_attribute a
		  join pg_class c on c.oid = a.attrelid
		  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
		 where c.relnamespace in (table spaces)
		   and c.relkind in ('r', 'v', 'c')
		   and a.attnum > 0 and not a.attisdropped;
		select e'\036view', c.oid::regclass, pg_get_viewdef(c.oid)
		  from pg_class c
		 where c.relnamespace in (table spaces) and c.relkind = 'v';
		select e'\036constraint', conrelid::regclass, conname, convalidated,
		       pg_get_constraintdef(oid)
		  from pg_constraint
		 where connamespace in (table spaces);
		select e'\036index', schemaname, indexname, indexdef
		  from pg_indexes where schemaname in ($list);
		select e'\036trigger', t.tgrelid::regclass, t.tgname, t.tgenabled,
		       pg_get_triggerdef(t.oid)
		  from pg_trigger t
		  join pg_class c on c.oid = t.tgrelid
		 where c.relnamespace in (table spaces) and not t.tgisinternal;
		select e'\036function', oid::regprocedure, pg_get_functiondef(oid),
		       obj_description(oid, 'pg_proc'),
		       array(select a::text from unnest(coalesce(proacl,
				acldefault('f', proowner))) a order by 1)
		  from pg_proc
		 where pronamespace in (table spaces);
		select e'\036type', t.oid::regtype, t.typtype, array(
			select e.enumlabel from pg_enum e
			 where e.enumtypid = t.oid order by e.enumsortorder)
		  from pg_type t
		 where t.typnamespace in (table spaces)
		   and t.typtype in ('e', 'd', 'c');
		select e'\036policy', * from pg_policies
		 where schemaname in ($list);
		select e'\036published', pubname, schemaname, tablename, rowfilter,
		       array(select unnest(attnames) order by 1)
		  from pg_publication_tables
		 where schemaname in ($list);
	SQL
}

# is_catalogue GOT WANTED SENTENCE: what differs is said, < got, > wanted.
is_catalogue() {
	is "$(diff <(cat <<<"$1") <(cat <<<"$2"))" '' "$3"
}

# gateway_on DATABASE: the gateway, behind its nginx, and what else reads the settings
# work there from here on, as a role that owns nothing; the simulator is kept.
gateway_on() {
	stack_admin "$1" >/dev/null 2>"$STACK_DIR/role.log" -c 'set role flowpins_owner' \
		-f "$STACK_ROOT/sql/gateway-role.sql" ||
		flunk "gateway-role.sql runs: $(cat "$STACK_DIR/role.log")"
	stack_setting database_url "$(url_of "$1")"
	stack_setting sweep_ms 100
	STACK_DATABASE=$1
	[ -n "$(stack_pid sim)" ] || stack_sim || bail "no simulator"
	stack_end gateway
	stack_gateway || bail "no gateway on $1"
	[ -n "$(stack_pid nginx)" ] || stack_nginx || bail "no nginx"
	as_user "${CLIENT:-$ADA}"
}

# client_connects PROVIDER: as the app makes a connection, its key in plain. Sets
# CONNECTION and KEY.
client_connects() {
	KEY=$(sim_token "$1")
	CONNECTION=$(cat /proc/sys/kernel/random/uuid)
	sim POST /_sim/accounts "$(jq -n --arg p "$1" --arg t "$KEY" \
		'{provider: $p, token: $t}')" || return 1
	client_sql "insert into integrations (id, user_id, type, api_key, label,
			is_active, default_bucket_id)
		values ('$CONNECTION', '${CLIENT:-$ADA}', '$1', '$KEY', 'mine', true,
			(select id from buckets order by id limit 1))
		on conflict (id) do update set api_key = excluded.api_key" ||
		flunk "the client adds a connection"
	CONNECTIONS[$1]=$CONNECTION
	TOKENS[$1]=$KEY
}

# row TASK EXPRESSION: of the app's row.
row() {
	stack_admin "$STACK_DATABASE" -A -t -c \
		"select $2 from public.tasks t where t.id = '$1'"
}

item_is() { # PROVIDER ID STATE
	[ "$(provider_says "$1" "$2")" = "$3" ]
}

# both_ways PROVIDER: an item becomes a task, and its completion goes both ways, by
# row and by call and from the provider. Sets TASK, ITEM.
both_ways() {
	local provider=$1 before

	client_connects "$provider" || return 1
	add_own_item "$provider" 'To import'
	poll_once "$CONNECTION" || flunk "a pass"
	import_titled 'To import' || return 1
	is "$(row "$TASK" "t.status || ' ' || t.source || ' ' || t.section")" \
		"active $provider sooner" "the row"
	is "$(row "$TASK" "t.bucket_id = (select default_bucket_id
		from public.integrations where id = '$CONNECTION')")" t "its bucket"
	is "$(row "$TASK" t.connection_id)" "$CONNECTION" "its connection"
	before=$(row "$TASK" "to_jsonb(t) - 'updated_at'")
	mark

	client_sql "update tasks set status = 'completed', completed_at = now(),
		updated_at = now() where id = '$TASK'" || flunk "the client completes"
	wait_until 20 item_is "$provider" "$ITEM" completed ||
		flunk "a row that is changed closes the item"
	is "$(taken)" 1 "once"
	uncomplete "$TASK"
	is "$STATUS" 200 "a call makes it active: $BODY"
	is "$(provider_says "$provider" "$ITEM")" open "and opens the item"
	is "$(row "$TASK" "to_jsonb(t) - 'updated_at'")" "$before" \
		"the row is what it was"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(provider_says "$provider" "$ITEM")" completed "a call closes it"

	make_task "$provider" 'Done there' || return 1
	change_item "$provider" "$ITEM" '{"state": "completed"}'
	poll_once "$CONNECTION" || flunk "a pass"
	is "$(task_line "$TASK")" 'completed absence completed' \
		"what is done there is done here"
	is "$(sql 'select count(*) from gateway.writebacks
		where settled_at is null')" 0 "nothing is left to be done"
}
