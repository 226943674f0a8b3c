-- writeback_claim: take over one's own queued writeback, whose task had another
-- call in flight when it was begun; or learn how it ended meanwhile.
-- :user_id   uuid    whose
-- :id        uuid    the writeback's
-- :lease_ms  bigint
-- One row if it exists. claimed false: still queued behind another, taken by
-- another owner, or ended (state says). The connection comes anew: while this one
-- waited, a limit or a dead key may have been met by another process.
with claimed as (
	update writebacks w
	   set state = 'sending', generation = w.generation + 1,
	       attempts = w.attempts + 1,
	       due_at = now() + :lease_ms * interval '1 ms'
	 where w.user_id = :user_id
	   and w.id = :id
	   and w.state = 'queued'
	   and not exists (
		select from writebacks o
		 where o.user_id = w.user_id
		   and o.task_id = w.task_id
		   and (o.state = 'sending'
			or (o.settled_at is null
			    and o.task_version < w.task_version)))
	returning w.id, w.generation, w.attempts
)
select c.id is not null as claimed,
       coalesce(c.generation, w.generation) as writeback_generation,
       coalesce(c.attempts, w.attempts) as attempts,
       w.state, w.reason, w.is_unclear,
       exists (
		select from writebacks o
		 where o.user_id = w.user_id
		   and o.task_id = w.task_id
		   and o.wish = w.wish
		   and o.state = 'accepted'
		   and o.settled_at >= w.created_at
		   -- and what came in between was not sent after it
		   and not exists (
			select from writebacks b
			 where b.user_id = w.user_id
			   and b.task_id = w.task_id
			   and b.task_version > o.task_version
			   and b.task_version < w.task_version
			   and b.attempts > 0)) as is_agreed,
       i.id as connection_id, i.type, i.name, i.key_sealed, i.key_id,
       i.key_version,
       i.metadata, i.account_id, i.status, i.writeback, i.generation,
       greatest(extract(epoch from i.rate_limited_until - now()) * 1000,
		0)::bigint as rate_limited_ms
  from writebacks w
  left join claimed c on c.id = w.id
  left join integrations i
    on i.id = w.connection_id and i.user_id = w.user_id
 where w.user_id = :user_id
   and w.id = :id
