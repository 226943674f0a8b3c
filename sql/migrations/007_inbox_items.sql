-- inbox_items: active items at a provider that no active or completed task stands for.
-- Polls fill and clear it; importing one makes a task of it and removes it here.
create table gateway.inbox_items (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	connection_id uuid not null references gateway.connections
		on delete cascade on update cascade,
	source_id text not null,
	title text not null,
	source_url text,
	metadata jsonb not null default '{}',
	bag jsonb not null default '{}',
	created_at timestamptz not null default now(),
	primary key (user_id, id),
	unique (user_id, connection_id, source_id),
	check (jsonb_typeof(metadata) = 'object'),
	check (jsonb_typeof(bag) = 'object'),
	check (isfinite(created_at))
);

comment on table gateway.inbox_items is 'Active items that no task stands for.';
comment on column gateway.inbox_items.metadata is 'What a later write needs (Linear team and state, due date, recurrence).';
comment on column gateway.inbox_items.bag is 'What Flowpin''s client keeps of an imported item, in its own words: it becomes tasks.source_metadata.';
comment on column gateway.inbox_items.created_at is 'When a poll first saw it.';

-- the cascade from connections
create index inbox_items_connection on gateway.inbox_items (connection_id);
