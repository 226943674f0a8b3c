-- guards: what holds a connection's marks until there is evidence, or a person
-- says that it is right. One row is one guard that holds now; what was is told by
-- events.
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

alter table events drop constraint events_type_check;
alter table events add constraint events_type_check check (type in (
	'task.completed', 'task.reopened', 'task.rolled_back',
	'writeback.accepted', 'writeback.skipped',
	'connection.auth_failed', 'guard.raised', 'guard.released'));
