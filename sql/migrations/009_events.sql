-- events: what a client shows as toasts and what explain prints.
create table events (
	user_id uuid not null,
	txid xid8 not null default pg_current_xact_id(),
	id bigint generated always as identity,
	type text not null check (type in (
		'task.completed', 'task.reopened', 'task.rolled_back',
		'writeback.accepted', 'writeback.skipped',
		'connection.auth_failed')),
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
