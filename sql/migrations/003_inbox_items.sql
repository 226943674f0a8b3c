-- inbox_items: active items at a provider that are not imported yet. Polls fill
-- and clear it; importing one makes a task of it and removes it here.
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
