-- The one place that says how a task reads in JSON: a type, because its names make
-- compact JSON of a plain expression, which the planner can inline.
do $$
begin
	if to_regtype('gateway.task') is null then
		create type gateway.task as (
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
	end if;
end
$$;

-- source_metadata is what the gateway keeps of the item, not the client's column of
-- that name; when the item was changed last is for our comparisons alone. Who completed a
-- task without an item can only have been its user.
create or replace function gateway.task_json(t public.tasks, l gateway.links)
returns text
language sql stable parallel safe as $$
	select row_to_json(row(t.id, gateway.told(t.title), t.source::text, t.source_id,
		l.source_url, t.connection_id, coalesce(l.metadata - 'updated_at', '{}'),
		t.status::text, gateway.time_text(t.completed_at),
		case when l.task_id is not null then l.completed_by
		     when t.status::text = 'completed' then 'user' end,
		l.completion_reason, coalesce(l.version, 0),
		gateway.time_text(t.created_at),
		gateway.time_text(t.updated_at))::gateway.task)::text
$$;
