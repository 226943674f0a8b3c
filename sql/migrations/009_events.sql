-- events: what a client shows as toasts and what explain prints. Codes only: the
-- sentences are the program's.
create table gateway.events (
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
	source text,
	wish text,
	reason text,
	held integer,
	created_at timestamptz not null default now(),
	primary key (user_id, txid, id)
);

comment on table gateway.events is 'What happened without the user''s own call telling it.';
comment on column gateway.events.txid is 'Readers stop before the oldest transaction still running: numbers are given before commit, and a cursor must not step over a late one.';
comment on column gateway.events.source is 'The provider that it is about.';
comment on column gateway.events.wish is 'Of a writeback: what it was to do.';
comment on column gateway.events.held is 'Of a guard: how many tasks.';

create index events_created on gateway.events (created_at);
create index events_task on gateway.events (user_id, task_id);
