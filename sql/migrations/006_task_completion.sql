-- How a task came to be completed, and what tells one state of it from the next.
alter table tasks
	add column if not exists source_metadata jsonb not null default '{}',
	add column if not exists completed_by text
		constraint tasks_completed_by_check
		check (completed_by in ('user', 'absence', 'webhook')),
	add column if not exists completion_reason text,
	add column if not exists version bigint not null default 1,
	add column if not exists seen_at timestamptz,
	add column if not exists missing_since timestamptz;

comment on column tasks.source_metadata is 'As the last poll saw the item: Linear team and state, due date, recurrence.';
comment on column tasks.completed_by is 'user: here; absence or webhook: at the provider.';
comment on column tasks.completion_reason is 'What the provider said of the item: completed, canceled, deleted, ...';
comment on column tasks.version is 'Counts changes of what completion is about; a rollback holds only for the version it was made for.';
comment on column tasks.seen_at is 'When the item was imported, or last found changed at the provider.';
comment on column tasks.missing_since is 't0 of the first complete run that did not list the item and could not see it by id.';

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
