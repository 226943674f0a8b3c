-- Writebacks of a task that go before another one: one in flight, or an older wish.
create or replace function gateway.goes_before(user_id uuid, task_id uuid, id uuid,
	task_version bigint) returns setof uuid
language sql stable parallel safe as $$
	select o.id
	  from gateway.writebacks o
	 where o.user_id = $1
	   and o.task_id = $2
	   and o.id <> $3
	   and (o.state = 'sending'
		or ((o.settled_at is null or o.doubt_until > now())
			and o.task_version < $4))
$$;

-- Writebacks of the same wish that were accepted since, with nothing sent in between:
-- if there is one, nothing is left to send. Of a wish that came by row nobody knows: the
-- client that made it may have told the provider itself.
create or replace function gateway.agreed_since(user_id uuid, task_id uuid, wish text,
	created_at timestamptz, task_version bigint) returns setof uuid
language sql stable parallel safe as $$
	select o.id
	  from gateway.writebacks o
	 where o.user_id = $1
	   and o.task_id = $2
	   and o.wish = $3
	   and o.state = 'accepted'
	   and o.settled_at >= $4
	   and not exists (
		select from gateway.writebacks b
		 where b.user_id = $1
		   and b.task_id = $2
		   and b.task_version > o.task_version
		   and b.task_version < $5
		   and (b.attempts > 0 or b.origin <> 'call'))
$$;

-- Wishes of a task that came after one.
create or replace function gateway.newer_wishes(user_id uuid, task_id uuid,
	task_version bigint) returns setof uuid
language sql stable parallel safe as $$
	select n.id
	  from gateway.writebacks n
	 where n.user_id = $1
	   and n.task_id = $2
	   and n.task_version > $3
$$;

-- Was the row written that a wish was noted of? It is noted before that; what then came to
-- nothing (an insert that met another row, a change that a trigger of the app's left out)
-- shows in a link that says what its row does not, and is nobody's wish. A link that says
-- something newer, or went with its task, is no such sign.
create or replace function gateway.is_written(user_id uuid, task_id uuid,
	task_version bigint) returns boolean
language sql stable parallel safe as $$
	select not exists (
		select from gateway.links l
		  left join public.tasks t on t.id = l.task_id and t.user_id = $1
		 where l.task_id = $2
		   and l.version = $3
		   and t.status::text is distinct from l.status)
$$;

-- For so long the provider may still be working on what was sent of a writeback.
create or replace function gateway.doubt_ms(w gateway.writebacks) returns bigint
language sql stable parallel safe as $$
	select greatest(0, ceil(1000 * extract(epoch from (w).doubt_until - now())))::bigint
$$;
