-- A wish for what a task already is: what is known of the other side?
-- route: joined     its last wish was this one: writeback says how it stands
--          unchanged  there is no item, or the provider is known to agree: its
--                     item was found finished; or it was listed, and nothing
--                     since is in doubt
--          unknown    nobody asked the provider yet
-- known: the task as the gateway last took note of it, which a wish that is made now
-- goes back to: its row may have changed unnoticed.
-- A function, because a statement's own snapshot may be older than the lock that the
-- caller holds on the task's row.
create or replace function gateway.wish_join(task gateway.task_before, wish text,
	out route text, out writeback gateway.writebacks, out link gateway.links,
	out known gateway.task_before)
language plpgsql as $$
begin
	select l.* into link
	  from gateway.links l
	 where l.task_id = task.id;
	select w.* into writeback
	  from gateway.writebacks w
	 where w.user_id = task.user_id
	   and w.task_id = task.id
	   and w.task_version = coalesce(link.version, 0)
	   and w.wish = wish_join.wish
	 order by w.created_at desc
	 limit 1;
	route := case when task.source = 'manual' or task.source_id is null
			then 'unchanged'
		when writeback.id is not null then 'joined'
		when link.source_id is distinct from task.source_id
			or link.status is distinct from task.status then 'unknown'
		when wish = 'complete' and link.completed_by in ('absence', 'webhook')
			then 'unchanged'
		when wish = 'uncomplete' and link.seen_at is not null
			and link.missing_since is null
			and not exists (
				select from gateway.writebacks o
				 where o.user_id = task.user_id
				   and o.task_id = task.id
				   and o.wish = 'complete'
				   and o.reason in ('given_up', 'source_changed')
				   and o.settled_at > link.seen_at) then 'unchanged'
		else 'unknown' end;
	known := task;
	if link.source_id = task.source_id and link.status <> task.status then
		known.status := link.status;
		known.completed_at := null;
	end if;
end
$$;

-- A link's version as it is now, not as the statement's snapshot has it; null: no link.
create or replace function gateway.link_version(task_id uuid) returns bigint
language plpgsql volatile as $$
begin
	return (select l.version from gateway.links l
		 where l.task_id = link_version.task_id);
end
$$;
