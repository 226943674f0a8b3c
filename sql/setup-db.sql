-- The whole schema of a new database, as the migrations leave it: for reading,
-- and for setting one up by hand (psql -1 -f, or pasted into Supabase's SQL
-- editor). A project that already has tasks or integrations is brought here by
-- `flowpinctl migrate` instead. Whoever changes a migration's outcome changes
-- this file too; a test holds that both ways give the same catalogue.
--
-- Row level security is on everywhere, without a policy: only the owner of the
-- tables reads them; where that is not the gateway's role, gateway-role.sql lets
-- that one in. A project whose web client reads its tasks through Supabase's API
-- has policies of its own for that.

begin;

-- integrations: one user's credential for one provider -----------------------

create table integrations (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null,
	type text not null check (type in ('todoist', 'linear', 'attio')),
	name text not null default '',
	metadata jsonb not null default '{}',
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	-- the key
	key_sealed bytea,
	key_id text,
	key_version bigint not null default 1,
	status text not null default 'active'
		check (status in ('active', 'auth_failed', 'paused')),
	writeback boolean not null default true,
	account_id text,
	-- how polling goes
	generation bigint not null default 0,
	next_poll_at timestamptz not null default now(),
	lease_until timestamptz,
	rate_limited_until timestamptz,
	failure_count integer not null default 0,
	last_error text,
	last_run_at timestamptz,
	last_complete_run_at timestamptz,
	quiet_runs integer not null default 0,
	quiet_list text,
	quiet_tasks bigint,
	quiet_inbox bigint,
	constraint integrations_key_check
		check ((key_sealed is null) = (key_id is null))
) with (fillfactor = 70);
alter table integrations enable row level security;

comment on table integrations is 'One user''s credential for one provider (a connection).';
comment on column integrations.type is 'The provider: todoist, linear or attio.';
comment on column integrations.metadata is 'What polls learn of it; for Linear teamDoneStates: team id to state id.';
comment on column integrations.key_sealed is 'The provider key under AES-256-GCM, bound to this row; never in plain.';
comment on column integrations.key_id is 'Which master key sealed it.';
comment on column integrations.key_version is 'Counts the keys it has had: a refusal of an older one does not concern the present one.';
comment on column integrations.status is 'auth_failed: the provider refused the key, nothing is sent until it is replaced; paused: by the user, neither polled nor written to.';
comment on column integrations.writeback is 'False: completions of its tasks stay in Flowpin.';
comment on column integrations.account_id is 'Who the provider says the key is.';
comment on column integrations.generation is 'Counts claims by pollers: what an older claim decides is refused.';
comment on column integrations.next_poll_at is 'When a poller may claim it next.';
comment on column integrations.lease_until is 'Until then the poller that claimed it owns it.';
comment on column integrations.rate_limited_until is 'The provider asked to wait until then; every process does.';
comment on column integrations.failure_count is 'Runs that failed since the last complete one.';
comment on column integrations.last_error is 'Why the last run failed, for its owner and operators.';
comment on column integrations.last_complete_run_at is 'When the last run began that saw the whole list.';
comment on column integrations.quiet_runs is 'Complete runs in a row that found nothing new; many of them make it an idle one.';
comment on column integrations.quiet_list is 'SHA-256 of the last whole list that gave a run nothing to do; null: none did, or not for certain.';
comment on column integrations.quiet_tasks is 'flowpin_tasks_seen when that run judged.';
comment on column integrations.quiet_inbox is 'flowpin_inbox_seen when that run ended.';

-- the fallback of a task that names no connection: the user's oldest of a type
create index idx_integrations_user_type
	on integrations (user_id, type, created_at);
create index idx_integrations_due on integrations (next_poll_at)
	where key_sealed is not null;

-- tasks: what a user has to do ---------------------------------------------------

create table tasks (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null,
	title text not null,
	-- the item it was imported from
	source text not null default 'manual'
		check (source in ('manual', 'todoist', 'linear', 'attio')),
	source_id text,
	source_url text,
	connection_id uuid references integrations on delete set null,
	source_metadata jsonb not null default '{}',
	-- completion
	status text not null default 'active'
		check (status in ('active', 'completed', 'archived')),
	completed_at timestamptz,
	completed_by text check (completed_by in ('user', 'absence', 'webhook')),
	completion_reason text,
	version bigint not null default 1,
	-- as polls found it
	seen_at timestamptz,
	missing_since timestamptz,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now()
) with (fillfactor = 90);
alter table tasks enable row level security;

comment on table tasks is 'What a user has to do in Flowpin; imported ones name their item.';
comment on column tasks.source is 'manual, todoist, linear or attio.';
comment on column tasks.source_id is 'The item''s id at its provider.';
comment on column tasks.source_url is 'Where a person opens the item.';
comment on column tasks.connection_id is 'The connection it was imported through; null: made by hand, or imported before connections were kept.';
comment on column tasks.source_metadata is 'As the last poll saw the item: Linear team and state, due date, recurrence.';
comment on column tasks.status is 'active, completed or archived.';
comment on column tasks.completed_by is 'user: here; absence: at the provider; webhook is reserved.';
comment on column tasks.completion_reason is 'What the provider said of the item: completed, canceled, deleted, ...';
comment on column tasks.version is 'Counts changes of what completion is about; a rollback holds only for the version it was made for.';
comment on column tasks.seen_at is 'When the item was imported, or last found changed at the provider.';
comment on column tasks.missing_since is 't0 of the first complete run that did not list the item and could not see it by id.';

create index idx_tasks_connection_id
	on tasks (connection_id) where connection_id is not null;
-- Two active tasks of one item would be completed and rolled back against each other.
create unique index idx_tasks_active_item
	on tasks (user_id, connection_id, source_id)
	where status = 'active' and connection_id is not null
	  and source_id is not null;
create index idx_tasks_user_status on tasks (user_id, status, created_at, id);
-- tasks of a run that name no connection and fall back to it, and all that an item has
create index idx_tasks_user_item on tasks (user_id, source, source_id)
	where source_id is not null;

-- Every writer is counted, Flowpin's own client and Supabase's API among them: a
-- rollback must lose against a change that did not come through the gateway.
create function flowpin_task_changed() returns trigger
language plpgsql as $$
begin
	new.version := old.version + 1;
	new.updated_at := clock_timestamp();
	return new;
end
$$;

create trigger flowpin_task_changed
	before update on tasks
	for each row
	when ((old.status, old.completed_at, old.connection_id, old.source_id)
		is distinct from
		(new.status, new.completed_at, new.connection_id, new.source_id))
	execute function flowpin_task_changed();

-- RFC 3339 in UTC, as every answer of the API has it.
create function flowpin_time(t timestamptz) returns text
language sql stable parallel safe as $$
	select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The one place that says how a task reads in JSON: a type, because its names
-- make compact JSON of a plain expression, which the planner can inline.
create type flowpin_task as (
	id uuid,
	title text,
	source text,
	source_id text,
	source_url text,
	connection_id uuid,
	source_metadata jsonb,
	status text,
	completed_at text,
	completed_by text,
	completion_reason text,
	version bigint,
	created_at text,
	updated_at text
);

create function flowpin_task_json(t tasks) returns json
language sql stable parallel safe as $$
	select row_to_json(row(t.id, t.title, coalesce(t.source, 'manual'),
		t.source_id, t.source_url, t.connection_id, t.source_metadata,
		t.status, flowpin_time(t.completed_at), t.completed_by,
		t.completion_reason, t.version, flowpin_time(t.created_at),
		flowpin_time(t.updated_at))::flowpin_task)
$$;

-- inbox_items: active items at a provider that are not imported yet ------------

create table inbox_items (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	connection_id uuid not null references integrations on delete cascade,
	source_id text not null,
	title text not null,
	source_url text,
	metadata jsonb not null default '{}',
	created_at timestamptz not null default now(),
	primary key (user_id, id),
	unique (user_id, connection_id, source_id)
);
alter table inbox_items enable row level security;

comment on table inbox_items is 'Active items not imported yet.';
comment on column inbox_items.metadata is 'What a later write needs (Linear team and state, due date, recurrence).';
comment on column inbox_items.created_at is 'When a poll first saw it.';

-- the cascade from integrations, and the anti-joins of a run
create index idx_inbox_items_connection on inbox_items (connection_id, source_id);

-- writebacks: wishes to make the provider agree with a local change ------------

create table writebacks (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	task_id uuid not null,
	connection_id uuid,
	by_fallback boolean not null default false,
	wish text not null check (wish in ('complete', 'uncomplete')),
	state text not null check (state in ('queued', 'sending',
		'accepted', 'skipped', 'superseded', 'rolled_back')),
	reason text,
	detail text,
	task_version bigint not null,
	before_status text not null,
	before_completed_at timestamptz,
	before_completed_by text,
	before_completion_reason text,
	source text not null,
	source_id text,
	source_metadata jsonb not null default '{}',
	generation bigint not null default 0,
	attempts integer not null default 0,
	is_unclear boolean not null default false,
	due_at timestamptz,
	give_up_at timestamptz not null,
	created_at timestamptz not null default now(),
	settled_at timestamptz,
	primary key (user_id, id),
	check ((settled_at is null) = (state in ('queued', 'sending'))),
	check ((due_at is null) = (settled_at is not null))
) with (fillfactor = 85);
alter table writebacks enable row level security;

comment on table writebacks is 'One wish to make the provider agree with a local change.';
comment on column writebacks.id is 'Also the command id at providers that run a command once.';
comment on column writebacks.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column writebacks.by_fallback is 'The task named no connection; the user''s oldest of its source was taken.';
comment on column writebacks.state is 'queued and sending are open; the others are its outcome.';
comment on column writebacks.reason is 'Why it ended so, or why it waits.';
comment on column writebacks.detail is 'For operators: what was seen.';
comment on column writebacks.task_version is 'The task as the local change left it; another version means a newer change, which wins over a rollback.';
comment on column writebacks.before_status is 'With the other before_ columns: what a rollback restores.';
comment on column writebacks.source_metadata is 'The task''s, when the wish was made: the state before, the due date.';
comment on column writebacks.generation is 'Counts owners: a settle by an earlier one is refused.';
comment on column writebacks.attempts is 'Times an owner took it to send it.';
comment on column writebacks.is_unclear is 'A send may have had its effect: the item is read before anything else is done.';
comment on column writebacks.due_at is 'When another owner may take it: the lease''s end while sending, the next attempt while queued.';
comment on column writebacks.give_up_at is 'An outcome still unknown then is rolled back.';

-- at most one call in flight per task
create unique index idx_writebacks_sending on writebacks (user_id, task_id)
	where state = 'sending';
create index idx_writebacks_due on writebacks (due_at)
	where settled_at is null;
create index idx_writebacks_task on writebacks (user_id, task_id, task_version);
create index idx_writebacks_settled on writebacks (settled_at)
	where settled_at is not null;

-- poll_runs: what each poll of a connection saw and did ------------------------

create table poll_runs (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	connection_id uuid not null,
	generation bigint not null,
	started_at timestamptz not null,
	ended_at timestamptz not null default now(),
	outcome text not null check (outcome in ('complete', 'failed')),
	error text,
	pages integer not null default 0,
	items integer not null default 0,
	inbox_added integer not null default 0,
	inbox_removed integer not null default 0,
	candidates integer not null default 0,
	completed integer not null default 0,
	still_open integer not null default 0,
	unconfirmed integer not null default 0,
	reopened integer not null default 0,
	guard text,
	held integer not null default 0,
	repeated integer not null default 0,
	healed integer not null default 0,
	primary key (user_id, id)
);
alter table poll_runs enable row level security;

comment on table poll_runs is 'One poll of one connection (a run).';
comment on column poll_runs.started_at is 't0: the database''s clock before the first request.';
comment on column poll_runs.outcome is 'complete: every page arrived whole and the end was seen.';
comment on column poll_runs.candidates is 'Tasks that the list spoke of: not listed, listed with another due date, or completed here and listed again.';
comment on column poll_runs.still_open is 'Candidates that by id were open and in scope.';
comment on column poll_runs.unconfirmed is 'Missing ones of which the provider said nothing, or that it could not show for the first time; tried again by the next run.';

comment on column poll_runs.guard is 'What held marks in this run; null: nothing.';
comment on column poll_runs.held is 'Tasks without evidence while a guard held.';
comment on column poll_runs.repeated is 'Rows that came again while pages shifted.';
comment on column poll_runs.healed is 'Tasks reopened that had been completed only because their item could not be seen.';

create index idx_poll_runs_connection on poll_runs (connection_id, started_at);
create index idx_poll_runs_ended on poll_runs (ended_at);
create index idx_poll_runs_healed on poll_runs (healed) where healed > 0;

-- decisions: what runs made of a task, and why; what `flowpinctl explain` tells.
-- A decision like the one before it is not written again.
create table decisions (
	user_id uuid not null,
	task_id uuid not null,
	run_id uuid not null,
	verdict text not null check (verdict in ('missing', 'occurrence',
		'returned')),
	action text not null check (action in ('none', 'complete', 'reopen',
		'missing', 'visible', 'renumber', 'held')),
	reason text,
	is_applied boolean not null,
	decided_at timestamptz not null default now(),
	primary key (user_id, task_id, run_id)
);
alter table decisions enable row level security;

comment on table decisions is 'What a run made of a task that its list spoke of.';
comment on column decisions.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column decisions.verdict is 'What the list said: missing, another occurrence, or returned.';
comment on column decisions.reason is 'What the provider said of the item by id; no_answer: nothing; reopened: it is open again; occurrence: the list alone told.';
comment on column decisions.is_applied is 'False: there was nothing to do, or the task had changed meanwhile.';

create index idx_decisions_decided on decisions (decided_at);

-- guards: what holds a connection's marks until there is evidence ----------------

create table guards (
	user_id uuid not null,
	connection_id uuid not null references integrations on delete cascade,
	kind text not null check (kind in ('account_changed', 'list_emptied',
		'mass_drop')),
	held integer not null default 0,
	account_id text,
	raised_at timestamptz not null default now(),
	seen_at timestamptz not null default now(),
	approved_at timestamptz,
	primary key (user_id, connection_id)
);
alter table guards enable row level security;

comment on table guards is 'What holds a connection''s marks now: a run found too much gone that nobody confirms.';
comment on column guards.kind is 'account_changed: the key is another account''s; list_emptied: nothing is listed; mass_drop: more than the larger of 5 and 20 % of the tasks.';
comment on column guards.held is 'Tasks without evidence, by the last run.';
comment on column guards.account_id is 'account_changed only: who the key is now.';
comment on column guards.seen_at is 'The last run that it held.';
comment on column guards.approved_at is 'A person let so many tasks pass; the next run does.';

-- the cascade from integrations
create index idx_guards_connection on guards (connection_id);

-- events: what a client shows as toasts and what explain prints ----------------

create table events (
	user_id uuid not null,
	txid xid8 not null default pg_current_xact_id(),
	id bigint generated always as identity,
	type text not null check (type in (
		'task.completed', 'task.reopened', 'task.rolled_back',
		'writeback.accepted', 'writeback.skipped',
		'connection.auth_failed', 'guard.raised', 'guard.released')),
	task_id uuid,
	writeback_id uuid,
	connection_id uuid,
	reason text,
	detail text,
	created_at timestamptz not null default now(),
	primary key (user_id, txid, id)
);
alter table events enable row level security;

comment on table events is 'What happened without the user''s own call telling it.';
comment on column events.txid is 'Readers stop before the oldest transaction still running: numbers are given before commit, and a cursor must not step over a late one.';
comment on column events.detail is 'A sentence for the user.';

create index idx_events_created on events (created_at);
create index idx_events_task on events (user_id, task_id);

-- idempotency_keys: the first answer to a call, for its repetitions ------------

create table idempotency_keys (
	user_id uuid not null,
	key text not null check (length(key) between 1 and 255),
	fingerprint text not null,
	status integer,
	content_type text,
	headers text,
	body text,
	locked_until timestamptz not null,
	created_at timestamptz not null default now(),
	owner uuid,
	primary key (user_id, key)
);
alter table idempotency_keys enable row level security;

comment on table idempotency_keys is 'Calls made with an Idempotency-Key, and the answer they got.';
comment on column idempotency_keys.owner is 'The call that runs under the key, or ran.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of method, path, query and body: another request under the same key is refused.';
comment on column idempotency_keys.status is 'HTTP status of the first answer; null while it runs.';
comment on column idempotency_keys.locked_until is 'While it runs: until then a repetition is told to wait; past it the process that had it is gone.';

create index idx_idempotency_keys_created on idempotency_keys (created_at);

-- quiet runs ---------------------------------------------------------------------

-- One number for every state of the tasks that a list may be judged against: all
-- that a run looks at in all of the user's tasks of the connection's source, through
-- whichever connection, and whether those that name none fall back to this one. No
-- order, no clock: equal only if nothing of it changed.
create function flowpin_tasks_seen(i integrations) returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(hash_record_extended(row(t.id, t.version, t.status,
			t.connection_id, t.source_id, t.source_metadata,
			t.completed_by, t.missing_since, t.created_at), 0)), 0)
		# count(*)
		# case when exists (
			select from integrations o
			 where o.user_id = i.user_id
			   and o.type = i.type
			   and (o.created_at, o.id) < (i.created_at, i.id))
			then 0 else bigint '1' << 62 end
	  from tasks t
	 where t.user_id = i.user_id
	   and t.source = i.type
	   and t.source_id is not null
$$;

-- The same of the inbox, whose rows only runs and imports write.
create function flowpin_inbox_seen(i integrations) returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(uuid_hash_extended(b.id, 0)), 0) # count(*)
	  from inbox_items b
	 where b.user_id = i.user_id
	   and b.connection_id = i.id
$$;

-- When to poll again: past so many quiet runs the wait doubles with each.
create function flowpin_poll_wait(wait_ms bigint, longest_ms bigint,
	quiet_runs integer, idle_after integer) returns bigint
language sql immutable parallel safe as $$
	select least(greatest(wait_ms, longest_ms), wait_ms
		* power(2, greatest(0, least(30, quiet_runs - idle_after)))::bigint)
$$;

-- flowpin_migrations: what `flowpinctl migrate` has nothing left to do for -------

create table flowpin_migrations (
	number integer primary key,
	name text not null,
	applied_at timestamptz not null default now()
);
alter table flowpin_migrations enable row level security;

comment on table flowpin_migrations is 'Which migrations this database has.';

insert into flowpin_migrations (number, name) values
	(1, '001_integrations'),
	(2, '002_tasks'),
	(3, '003_inbox_items'),
	(4, '004_task_connection_id'),
	(5, '005_connection_state'),
	(6, '006_task_completion'),
	(7, '007_writebacks'),
	(8, '008_poll_runs'),
	(9, '009_events'),
	(10, '010_idempotency_keys'),
	(11, '011_integrations_key_version'),
	(12, '012_idempotency_keys_owner'),
	(13, '013_writebacks_is_unclear'),
	(20, '020_guards'),
	(21, '021_decisions'),
	(22, '022_quiet_lists');

commit;
