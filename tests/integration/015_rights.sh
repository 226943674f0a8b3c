#!/bin/bash
# Who may do what in the gateway's schema: its own role all that its statements do and
# no more, everybody else nothing; whatever a project's default privileges are.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=flowpins.sh
. "$(dirname "$0")/flowpins.sh"

OTHERS=(anon authenticated service_role authenticator)

# role_sql STATEMENT: as the gateway's role.
role_sql() {
	psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U flowpin -d "$STACK_DATABASE" -c "$1" 2>&1
}

# is_denied SENTENCE STATEMENT
is_denied() {
	like "$(role_sql "begin; $2; rollback")" \
		'permission denied|must be owner|must have' "$1"
}

# others_reach NAME: what roles other than the gateway's may do there, a line each.
others_reach() {
	local list

	list=$(printf "'%s'," "${OTHERS[@]}" public)
	stack_admin "$1" -A -t <<-SQL
		create temporary view others as
		select 0 as oid, 'public' as rolname
		union all
		select oid, rolname from pg_roles where rolname in (${list%,});
		select 'schema', o.rolname, a.privilege_type
		  from pg_namespace n, aclexplode(n.nspacl) a, others o
		 where n.nspname = 'gateway' and a.grantee = o.oid;
		select 'relation', c.relname, o.rolname, a.privilege_type
		  from pg_class c, aclexplode(c.relacl) a, others o
		 where c.relnamespace = 'gateway'::regnamespace
		   and a.grantee = o.oid;
		select 'function', p.proname, o.rolname, a.privilege_type
		  from pg_proc p,
		       aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a,
		       others o
		 where p.pronamespace = 'gateway'::regnamespace
		   and a.grantee = o.oid;
	SQL
}

# The roles that the data API has, as it has them.
is_closed_to_others() {
	local role said

	is "$(others_reach "$STACK_DATABASE")" '' "nothing is granted to others"
	for role in "${OTHERS[@]}"; do
		for said in 'select count(*) from gateway.connections' \
			'select count(*) from gateway.connection_state' \
			'select gateway.reconcile(null)' \
			'update gateway.links set version = 1' \
			"select gateway.time_text(now())"; do
			like "$(stack_admin "$STACK_DATABASE" -c "set role $role" \
				-c "$said" 2>&1)" 'permission denied' \
				"$role: $said"
		done
	done
}

# A transaction of its own each, which is rolled back. Rights are asked for before any
# row is looked at, so that no values are needed.
may_run_every_query() {
	local file count said

	for file in "$STACK_ROOT"/sql/queries/*.sql; do
		count=$(grep -c '^-- :' "$file")
		said=$({
			echo 'begin; prepare q as'
			stack_query "$file"
			echo ';'
			if [ "$count" = 0 ]; then
				echo 'execute q;'
			else
				echo "execute q($(printf 'null,%.0s' \
					$(seq "$count") | sed 's/,$//'));"
			fi
			echo 'rollback;'
		} | PGOPTIONS='' psql -X -q -A -t -h "$STACK_DIR/pg" \
			-p "$STACK_PG_PORT" -U flowpin -d "$STACK_DATABASE" 2>&1)
		unlike "$said" 'permission denied|does not exist|must be' \
			"${file##*/}"
	done
}

# triggers_work: for clients, who may nothing in there.
triggers_work() {
	local id

	id=$(cat /proc/sys/kernel/random/uuid)
	client_sql "insert into tasks (id, user_id, title, source, source_id)
		values ('$id', '$ADA', 'x', 'todoist', '$id');
		update tasks set status = 'completed' where id = '$id';
		insert into integrations (user_id, type, api_key)
		values ('$ADA', 'attio', 'k-$id')" || flunk "a client writes"
	is "$(role_sql "select l.status, w.origin, w.state, w.reason
		from gateway.links l
		join gateway.writebacks w on w.task_id = l.task_id
		where l.task_id = '$id'")" 'completed|row|skipped|no_connection' \
		"a change of a row becomes a wish"
	is "$(role_sql "select count(*) from gateway.connections c
		join public.integrations i on i.id = c.id
		where i.api_key = 'k-$id'")" 1 "a connection is taken note of"
	client_sql "delete from tasks where id = '$id'" || flunk "it deletes"
	is "$(role_sql "select count(*) from gateway.links
		where task_id = '$id'")" 0 "the link goes with it"
}

installed() { # NAME
	ctl "$1" flowpins_owner migrate || bail "no schema: $SAID"
	gateway_on "$1"
}

test_where_defaults_give_everything_nobody_else_gets_in() {
	flowpins_database lavish later || bail "no database"
	owner_sql "alter default privileges grant all on tables
			to anon, authenticated, service_role, public;
		alter default privileges grant all on sequences
			to anon, authenticated, service_role, public;
		alter default privileges grant all on functions
			to anon, authenticated, service_role, public;
		alter default privileges grant all on schemas
			to anon, authenticated, service_role, public" ||
		bail "no defaults"
	# a role of this project's own, which may read whatever there will be
	stack_admin lavish -c 'create role reporting'
	owner_sql "alter default privileges grant usage on schemas to reporting;
		alter default privileges grant select on tables to reporting" ||
		bail "no defaults"
	installed lavish
	is_closed_to_others
	like "$(stack_admin lavish -c 'set role reporting' \
		-c 'select api_key from gateway.connection_state' 2>&1)" \
		'permission denied' "nor is a key readable for any other role"
	triggers_work
}

# A client that may create things somewhere names its own operators, functions and types
# like those of PostgreSQL, and lets them be found first. What runs as the tables' owner
# must find none of them.
# shellcheck disable=SC2016 # SQL's own dollars
test_nothing_of_a_client_runs_as_the_owner() {
	local id type

	id=$(</proc/sys/kernel/random/uuid)
	client_sql "insert into tasks (id, user_id, title, source, source_id)
		values ('$id', '$ADA', 'Bait', 'todoist', '$id')" || flunk "it is made"
	stack_admin lavish -c 'create schema trap;
		create table trap.caught (who name);
		grant usage on schema trap to public;
		grant insert on trap.caught to public;
		create domain trap.text as varchar;
		create function trap.current_setting(varchar, boolean)
		returns pg_catalog.text language plpgsql as $$ begin
			insert into trap.caught values (current_user);
			return pg_catalog.current_setting($1, $2); end $$' || bail "no trap"
	for type in pg_catalog.{text,uuid} public.task_{status,source}; do
		stack_admin lavish -c "create function trap.caught_in($type, $type)
			returns boolean language plpgsql as \$\$ begin
				insert into trap.caught values (current_user);
				return \$1 operator(pg_catalog.=) \$2; end \$\$;
			create operator trap.= (leftarg = $type, rightarg = $type,
				function = trap.caught_in)" || bail "no trap"
	done
	stack_admin lavish -c 'set role authenticated' \
		-c "set request.jwt.claims = '{\"sub\": \"$ADA\"}'" \
		-c 'set search_path = trap, pg_catalog' \
		-c "update public.tasks set title = 'Bait taken'" \
		-c "update public.tasks set status = 'archived' where title = 'Bait taken'" \
		-c "update public.tasks set status = 'active' where title = 'Bait taken'" \
		-c "insert into public.tasks (id, user_id, title)
			select id, user_id, title from public.tasks
			    on conflict (id) do update set title = excluded.title" \
		-c "delete from public.tasks where title = 'Bait taken'" ||
		flunk "it writes"
	is "$(stack_admin lavish -A -t -c "select distinct who from trap.caught")" \
		authenticated "the trap works, and catches the client alone"
	stack_admin lavish -c 'set role authenticated' \
		-c "set request.jwt.claims = '{\"sub\": \"$ADA\"}'" \
		-c 'create function pg_temp.catch(pg_catalog.text)
			returns boolean language plpgsql as $$ begin
				insert into trap.caught values (current_user);
				return true; end $$;
			create domain pg_temp.text as pg_catalog.text
				check (pg_temp.catch(value));
			create domain pg_temp.uuid as pg_catalog.uuid
				check (pg_temp.catch(null));
			create domain pg_temp.boolean as pg_catalog.bool
				check (pg_temp.catch(null));
			create domain pg_temp.timestamptz as pg_catalog.timestamptz
				check (pg_temp.catch(null))' \
		-c "select 'x'::pg_temp.text" \
		-c "insert into tasks (user_id, title, source, source_id, status)
			values ('$ADA', 'Bait', 'todoist', '$id', 'completed')" \
		-c "update tasks set status = 'active' where title = 'Bait'" \
		-c "insert into integrations (user_id, type, api_key)
			values ('$ADA', 'linear', 'bait')" \
		-c "update integrations set api_key = 'taken' where api_key = 'bait'" \
		-c "delete from tasks where title = 'Bait'" \
		>/dev/null || flunk "it writes"
	is "$(stack_admin lavish -A -t -c "select distinct who from trap.caught")" \
		authenticated "nor do types of a session's own catch more"
	stack_admin lavish -c 'drop schema trap cascade' 2>>"$STACK_DIR/trap.log"
}

test_what_is_migrated_again_stays_closed() {
	stack_admin lavish -c 'drop function gateway.take_note' \
		-c 'grant execute on function gateway.reconcile to anon'
	ctl lavish flowpins_owner migrate || flunk "migrating works: $SAID"
	is_closed_to_others
}

test_the_role_may_run_every_query_and_goes_both_ways() {
	gateway_on lavish
	may_run_every_query
	both_ways todoist
}

test_where_defaults_give_nothing_the_role_has_what_it_needs() {
	flowpins_database frugal later || bail "no database"
	owner_sql "alter default privileges revoke execute on functions from public;
		alter default privileges revoke usage on types from public" ||
		bail "no defaults"
	stack_admin frugal -c 'revoke all on schema public from public' \
		-c 'revoke execute on all functions in schema public, auth from public' \
		-c 'grant execute on all functions in schema auth to authenticated'
	installed frugal
	is_closed_to_others
	triggers_work
	may_run_every_query
	both_ways todoist
	both_ways linear
}

test_every_call_works_with_these_rights() {
	api POST /v1/tasks '{"title": "By hand"}'
	is "$STATUS" 201 "a task: $BODY"
	TASK=$(field .task.id)
	api PATCH "/v1/tasks/$TASK" '{"title": "Renamed"}' 'Idempotency-Key: k1'
	is "$STATUS" 200 "renamed: $BODY"
	api POST "/v1/tasks/$TASK/archive"
	is "$STATUS" 200 "archived: $BODY"
	api DELETE "/v1/tasks/$TASK"
	is "$STATUS" 204 "deleted: $BODY"
	add_connection todoist || return
	api PATCH "/v1/connections/$CONNECTION" \
		'{"label": "Mine", "writeback": false, "status": "paused"}'
	is "$STATUS" 200 "a connection is changed: $BODY"
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"$(sim_token todoist)\"}"
	is "$STATUS" 200 "its key is replaced: $BODY"
	api DELETE "/v1/connections/$CONNECTION"
	is "$STATUS" 204 "deleted: $BODY"
	is "$(grep -c 'permission denied' "$STACK_DIR"/gateway.log \
		"$STACK_DIR"/poller.log | grep -v ':0$')" '' "nothing was denied"
}

test_flowpinctl_works_with_these_rights() {
	local command

	client_connects attio || return
	TASK=$(role_sql "select id from public.tasks where source = 'todoist' limit 1")
	for command in doctor 'guard list' "explain $TASK" 'keys seal --dry-run' \
		'keys seal --yes'; do
		# shellcheck disable=SC2086
		ctl frugal flowpin $command
		is "$STATUS" 0 "$command: $SAID"
	done
	is "$(role_sql "select coalesce(api_key, 'none') from public.integrations
		where id = '$CONNECTION'")" none "the key is sealed"
}

test_the_role_may_not_do_what_is_not_its_business() {
	is_denied "a column of the client's" \
		"update public.tasks set description = 'x'"
	is_denied "another one" "update public.tasks set position = 1"
	is_denied "another one" "update public.tasks set user_id = '$DEMO_USER'"
	is_denied "whose a connection is" \
		"update public.integrations set user_id = '$DEMO_USER'"
	is_denied "another one" "update public.integrations set type = 'attio'"
	is_denied "a bucket" "update public.buckets set name = 'x'"
	is_denied "a bucket" "delete from public.buckets"
	is_denied "all of a table" "truncate public.tasks"
	is_denied "who there is" "select count(*) from auth.users"
	is_denied "profiles" "select count(*) from public.profiles"
	is_denied "a table of its own" "create table public.mine (id integer)"
	is_denied "a table of its own" "create table gateway.mine (id integer)"
	is_denied "the triggers" "drop trigger flowpin_gateway on public.tasks"
	is_denied "the triggers" "alter table public.tasks disable trigger all"
	is_denied "the migrations" "delete from gateway.migrations"
	is_denied "what was added" "delete from gateway.additions"
	is_denied "a trigger's function" "select gateway.task_written()"
	is "$(role_sql 'select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb
		from pg_roles where rolname = current_user')" 'f|f|f|f' \
		"nor is it more than a role"
}

# The list is the promise: a right more is seen here.
test_the_role_has_these_rights_in_public() {
	is "$(stack_admin frugal -A -t -F ' ' -c "select c.relname, a.privilege_type
		  from pg_class c, aclexplode(c.relacl) a
		 where c.relnamespace = 'public'::regnamespace
		   and a.grantee = 'flowpin'::regrole order by 1, 2" | paste -sd ,)" \
		"buckets SELECT,integrations DELETE,integrations SELECT,$(
		)tasks DELETE,tasks SELECT" "tables"
	is "$(stack_admin frugal -A -t -F ' ' -c "select c.relname, x.privilege_type,
		       string_agg(a.attname, ' ' order by a.attname)
		  from pg_class c
		  join pg_attribute a on a.attrelid = c.oid,
		       aclexplode(a.attacl) x
		 where c.relnamespace = 'public'::regnamespace
		   and x.grantee = 'flowpin'::regrole
		 group by 1, 2 order by 1, 2" | paste -sd ,)" \
		"integrations INSERT id label metadata type user_id,$(
		)integrations UPDATE api_key is_active label metadata,$(
		)tasks INSERT bucket_id connection_id id position section source $(
		)source_description source_id source_metadata status title $(
		)updated_at user_id,$(
		)tasks UPDATE completed_at connection_id source_id status title $(
		)updated_at" "columns"
}

test_the_role_has_these_rights_in_gateway() {
	is "$(stack_admin frugal -A -t -F ' ' -c "select string_agg(distinct c.relname, ' '),
		       x.rights
		  from pg_class c
		  join lateral (select string_agg(left(a.privilege_type, 1), ''
				order by a.privilege_type) as rights
			  from aclexplode(c.relacl) a
			 where a.grantee = 'flowpin'::regrole) x on x.rights <> ''
		 where c.relnamespace = 'gateway'::regnamespace
		 group by x.rights order by x.rights collate \"C\"" | paste -sd ,)" \
		"decisions events DIS,$(
		)guards idempotency_keys inbox_items links poll_runs writebacks DISU,$(
		)connections key_sets ISU,$(
		)connection_state connection_use item_tasks migrations S,reconciling SU" \
		"tables and views"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
run_tests
