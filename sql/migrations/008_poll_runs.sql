-- poll_runs: what each poll of a connection saw and did.
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
	primary key (user_id, id)
);
alter table poll_runs enable row level security;

comment on table poll_runs is 'One poll of one connection (a run).';
comment on column poll_runs.started_at is 't0: the database''s clock before the first request.';
comment on column poll_runs.outcome is 'complete: every page arrived whole and the end was seen.';
comment on column poll_runs.candidates is 'Active tasks whose item was not listed.';
comment on column poll_runs.still_open is 'Candidates that by id were open and in scope.';
comment on column poll_runs.unconfirmed is 'Candidates of which the provider said nothing; tried again by the next run.';

create index idx_poll_runs_connection on poll_runs (connection_id, started_at);
create index idx_poll_runs_ended on poll_runs (ended_at);
