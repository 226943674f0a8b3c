-- task_explain: the whole story of a task's completion, in order; for operators.
-- Runs that decided nothing about it are told only if they failed or were held. One
-- statement, because all that happened is told in one order.
-- :task_id  uuid  which
-- No row: nothing is known of it. type and what follows it: of an event, whose sentence
-- is the program's.
with who as (
	-- the story outlives the task
	select coalesce(
		(select t.user_id from public.tasks t where t.id = :task_id),
		(select w.user_id from gateway.writebacks w
		  where w.task_id = :task_id limit 1),
		(select d.user_id from gateway.decisions d
		  where d.task_id = :task_id limit 1),
		(select e.user_id from gateway.events e
		  where e.task_id = :task_id limit 1)) as user_id
), task as (
	select t.id, t.title, t.source::text as source, t.source_id, t.connection_id,
	       t.status::text as status, t.created_at, l.version, l.completed_by,
	       l.completion_reason, l.missing_since, l.linked_at
	  from who
	  join public.tasks t on t.user_id = who.user_id and t.id = :task_id
	  left join gateway.links l on l.task_id = t.id
), wish as (
	select w.* from who join gateway.writebacks w
	    on w.user_id = who.user_id and w.task_id = :task_id
), decision as (
	select d.* from who join gateway.decisions d
	    on d.user_id = who.user_id and d.task_id = :task_id
), connection as (
	select t.connection_id as id from task t
	union
	select w.connection_id from wish w
	union
	select r.connection_id from decision d join gateway.poll_runs r
	    on r.user_id = d.user_id and r.id = d.run_id
), since as (
	select coalesce((select created_at from task),
		(select min(created_at) from wish),
		(select min(decided_at) from decision)) as at
), run as (
	select r.* from decision d join gateway.poll_runs r
	    on r.user_id = d.user_id and r.id = d.run_id
	union
	(select r.*
	   from who, connection c, since s, gateway.poll_runs r
	  where r.user_id = who.user_id
	    and r.connection_id = c.id
	    and r.started_at >= s.at
	    and (r.outcome = 'failed' or r.guard is not null)
	  order by r.started_at desc
	  limit 50)
), passed_over as (
	-- why runs do not judge it as it is now; as run_diff has it
	select case
		when t.source = 'manual' or t.source_id is null then null
		when c.id is null
			then 'the user has no connection that it could belong to'
		when not c.has_key then format('connection %s has no key', c.id)
		when c.status <> 'active'
			then format('connection %s is %s', c.id, c.status)
		when i.is_linked is not true or i.noted <> i.status
			then 'no run took note yet of how it is now'
		when exists (
			select from gateway.tasks_under_way(who.user_id, 'infinity') w (id)
			 where w.id = t.id) then 'its writeback is open'
		when k.last_complete_run_at is null
			or k.last_complete_run_at < greatest(i.changed_at, i.linked_at)
			then format('no whole list of connection %s since it changed', c.id)
		when i.status = 'active' and i.missing_since is null
		     and gateway.is_guess(i.account_id, c.account_id, i.connection_id is null)
			then format('no list of connection %s''s account ever showed its item', c.id)
		end as why
	  from who
	 cross join task t
	  join gateway.item_tasks i on i.user_id = who.user_id and i.id = t.id
	  left join lateral gateway.connection_for(who.user_id, t.source, t.connection_id,
		i.account_id) c on true
	  left join gateway.connections k on k.id = c.id
), line as (
	select t.created_at as at, 1 as rank, 'task' as kind,
	       case when t.source = 'manual'
			then format('made by hand: "%s"', t.title)
		    else format('imported: "%s", %s item %s', t.title, t.source,
			t.source_id) end as text,
	       null::gateway.events as told
	  from task t
	union all
	select r.started_at, 2, 'run',
	       format('generation %s of connection %s: %s, %s pages, %s items, %s candidates',
			r.generation, r.connection_id, r.outcome, r.pages, r.items,
			r.candidates)
		|| case when r.repeated > 0
			then format(', %s rows came again', r.repeated) else '' end
		|| case when r.odd > 0
			then format(', %s items could not be read', r.odd) else '' end
		|| coalesce(', ' || r.error, '')
		|| case when r.guard is not null
			then format(', held by the guard %s (%s tasks without evidence)',
				r.guard, r.held) else '' end, null
	  from run r
	union all
	select d.decided_at, 3, 'decision',
	       format('%s in the list; the provider says %s: %s%s',
			case d.finding when 'returned' then 'again' else 'not' end,
			d.reason,
			case d.action when 'none' then 'stays as it is'
				when 'missing' then 'stays, a second run must agree'
				when 'visible' then 'stays, and is not missing any more'
				when 'held' then 'stays, a guard holds'
				when 'contradicted' then 'stays, it may be from before our last write; a second run must agree'
				else d.action end,
			case when d.is_applied
				or d.action in ('none', 'held') then ''
				else ', which came too late: the task had changed' end),
	       null
	  from decision d
	union all
	select w.created_at, 4, 'writeback',
	       format('%s wished %s, through %s (id %s)', w.wish,
			case w.origin when 'call' then 'by a call'
				when 'row' then 'by a changed row'
				else 'by a change found later' end,
			coalesce('connection ' || w.connection_id::text,
				'no connection'), w.id), null
	  from wish w
	union all
	select coalesce(w.settled_at, now()), 5, 'writeback',
	       format('%s: %s, %s, %s attempts', w.wish, w.state,
			coalesce(w.reason, 'no reason yet'), w.attempts)
		|| coalesce(', ' || w.detail, ''), null
	  from wish w
	union all
	select e.created_at, 6, 'event',
	       e.type || coalesce(' ' || e.reason, ''), e
	  from who join gateway.events e
	    on e.user_id = who.user_id and e.task_id = :task_id
	union all
	select e.created_at, 6, 'guard',
	       e.type || ' ' || e.reason, e
	  from who, since s, connection c, gateway.events e
	 where e.user_id = who.user_id
	   and e.connection_id = c.id
	   and e.type in ('guard.raised', 'guard.released')
	   and e.created_at >= s.at
	union all
	select now(), 7, 'guard',
	       format('%s holds since %s, %s tasks without evidence%s', g.kind,
			gateway.time_text(g.raised_at), g.held,
			case when g.approved_at is not null
				then ', and is approved' else '' end), null
	  from who, connection c, gateway.guards g
	 where g.user_id = who.user_id
	   and g.connection_id = c.id
	union all
	select now(), 8, 'now',
	       t.status || coalesce(' by ' || t.completed_by, '')
		|| coalesce(', ' || t.completion_reason, '')
		|| format(', version %s', t.version)
		|| coalesce(', missing since ' || gateway.time_text(t.missing_since), ''),
	       null
	  from task t
	union all
	select now(), 9, 'runs', 'do not judge it: ' || p.why, null
	  from passed_over p
	 where p.why is not null
)
select gateway.time_text(l.at) as at, l.kind, l.text, (l.told).type,
       (l.told).source, (l.told).wish, (l.told).reason, (l.told).held
  from line l
 order by l.at, l.rank, l.text
