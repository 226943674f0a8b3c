-- Which connection a task came through. Existing tasks keep null and fall back,
-- when one of them is completed, to the user's oldest connection of its source.
alter table tasks
	add column if not exists connection_id uuid
		references integrations on delete set null;

create index if not exists idx_tasks_connection_id
	on tasks (connection_id) where connection_id is not null;

comment on column tasks.connection_id is 'The connection it was imported through; null: made by hand, or imported before connections were kept.';
