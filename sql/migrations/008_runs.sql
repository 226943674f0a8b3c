-- poll_runs: what each poll of a connection saw and did. decisions: what runs made of
-- a task, and why. guards: what holds a connection's marks now.
create table gateway.poll_runs (
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
	repeated integer not null default 0,
	odd integer not null default 0,
	inbox_added integer not null default 0,
	inbox_removed integer not null default 0,
	candidates integer not null default 0,
	completed integer not null default 0,
	still_open integer not null default 0,
	unconfirmed integer not null default 0,
	reopened integer not null default 0,
	healed integer not null default 0,
	guard text,
	held integer not null default 0,
	primary key (user_id, id)
);

comment on table gateway.poll_runs is 'One poll of one connection (a run).';
comment on column gateway.poll_runs.started_at is 't0: the database''s clock before the first request.';
comment on column gateway.poll_runs.outcome is 'complete: every page arrived whole and the end was seen.';
comment on column gateway.poll_runs.repeated is 'Rows that came again while pages shifted.';
comment on column gateway.poll_runs.odd is 'Items that were listed and could not be read: their tasks stay as they are.';
comment on column gateway.poll_runs.candidates is 'Tasks that the list spoke of: active and not listed, or completed here and listed.';
comment on column gateway.poll_runs.still_open is 'Candidates that by id were open and in scope.';
comment on column gateway.poll_runs.unconfirmed is 'Missing ones of which the provider said nothing, or that it could not show for the first time; tried again by the next run.';
comment on column gateway.poll_runs.healed is 'Tasks reopened that a run had completed, for whatever reason.';
comment on column gateway.poll_runs.guard is 'What held marks in this run; null: nothing.';
comment on column gateway.poll_runs.held is 'Tasks without evidence while a guard held.';

create index poll_runs_connection on gateway.poll_runs (connection_id, started_at);
create index poll_runs_ended on gateway.poll_runs (ended_at);
create index poll_runs_healed on gateway.poll_runs (healed) where healed > 0;

create table gateway.decisions (
	user_id uuid not null,
	task_id uuid not null,
	run_id uuid not null,
	finding text not null check (finding in ('missing', 'returned')),
	action text not null check (action in ('none', 'complete', 'reopen',
		'missing', 'visible', 'renumber', 'held', 'contradicted')),
	reason text,
	is_applied boolean not null,
	decided_at timestamptz not null default now(),
	primary key (user_id, task_id, run_id)
);

comment on table gateway.decisions is 'What a run made of a task that its list spoke of. A decision like the one before it is not written again.';
comment on column gateway.decisions.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column gateway.decisions.finding is 'What the list said: missing, or returned (completed here, and listed).';
comment on column gateway.decisions.reason is 'What the provider said of the item by id; no_answer: nothing; reopened: it is open again; next_occurrence: the list shows a later date.';
comment on column gateway.decisions.is_applied is 'False: there was nothing to do, or the task had changed meanwhile.';

create index decisions_decided on gateway.decisions (decided_at);

create table gateway.guards (
	user_id uuid not null,
	connection_id uuid not null references gateway.connections
		on delete cascade on update cascade,
	kind text not null check (kind in ('account_changed', 'list_emptied',
		'mass_drop')),
	held integer not null default 0,
	account_id text,
	raised_at timestamptz not null default now(),
	seen_at timestamptz not null default now(),
	approved_at timestamptz,
	primary key (user_id, connection_id)
);

comment on table gateway.guards is 'What holds a connection''s marks now: a run found too much gone that nobody confirms. What was is told by events.';
comment on column gateway.guards.kind is 'account_changed: the key is another account''s; list_emptied: nothing is listed; mass_drop: more than the larger of 5 and 20 % of the tasks.';
comment on column gateway.guards.held is 'Tasks without evidence, by the last run.';
comment on column gateway.guards.account_id is 'account_changed only: who the key is now.';
comment on column gateway.guards.seen_at is 'The last run that it held.';
comment on column gateway.guards.approved_at is 'A person let so many tasks pass; the next run does.';

-- the cascade from connections
create index guards_connection on gateway.guards (connection_id);
