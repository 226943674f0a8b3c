-- writeback_claim_due: take up writebacks whose owner's lease ended or whose next
-- attempt is due, the oldest wish of each task first.
-- :limit     integer  so many at most
-- :lease_ms  bigint
with due as materialized (
	select w.user_id, w.id
	  from writebacks w
	 where w.settled_at is null
	   and w.due_at <= now()
	   -- who holds the task's one place in flight, its lease over, comes
	   -- before all that wait for that place
	   and (w.state = 'sending'
		or not exists (
			select from writebacks o
			 where o.user_id = w.user_id
			   and o.task_id = w.task_id
			   and o.id <> w.id
			   and (o.state = 'sending'
				or (o.settled_at is null
				    and o.task_version < w.task_version))))
	 order by w.due_at
	 limit :limit
	   for update skip locked
), claimed as (
	update writebacks w
	   set state = 'sending', generation = w.generation + 1,
	       attempts = w.attempts + 1,
	       -- its owner fell silent, perhaps after sending it
	       is_unclear = w.is_unclear or w.state = 'sending',
	       due_at = now() + :lease_ms * interval '1 ms'
	  from due d
	 where w.user_id = d.user_id
	   and w.id = d.id
	returning w.*
)
select w.user_id, w.id as writeback_id, w.task_id, w.wish, w.by_fallback,
       w.source, w.source_id, w.source_metadata,
       w.generation as writeback_generation, w.attempts,
       w.is_unclear,
       w.give_up_at <= now() as is_too_old,
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
       c.id as connection_id, c.type, c.name, c.key_sealed, c.key_id,
       c.key_version,
       c.metadata, c.account_id, c.status, c.writeback, c.generation,
       greatest(extract(epoch from c.rate_limited_until - now()) * 1000,
		0)::bigint as rate_limited_ms
  from claimed w
  left join integrations c
    on c.id = w.connection_id and c.user_id = w.user_id
