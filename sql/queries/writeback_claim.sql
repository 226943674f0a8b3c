-- writeback_claim: take over one's own queued writeback, whose task had another call in
-- flight when it was begun; or learn how it ended meanwhile.
-- :user_id   uuid    whose
-- :id        uuid    the writeback
-- :lease_ms  bigint  for so long
-- One row if it exists. claimed false: still queued behind another, taken by another
-- owner, or ended (state says). The connection comes anew: while this one waited, a
-- limit or a dead key may have been met by another process.
with claimed as (
	update gateway.writebacks w
	   set state = 'sending', generation = w.generation % 1000000000000000 + 1,
	       attempts = least(w.attempts + 1, 1000000000),
	       due_at = now() + :lease_ms * interval '1 ms'
	 where w.user_id = :user_id
	   and w.id = :id
	   and w.state = 'queued'
	   and not exists (
		select from gateway.goes_before(w.user_id, w.task_id, w.id,
			w.task_version))
	returning w.id, w.generation, w.attempts
)
select k.id is not null as claimed,
       coalesce(k.generation, w.generation) as writeback_generation,
       coalesce(k.attempts, w.attempts) as attempts,
       w.state, w.reason, w.is_unclear, gateway.doubt_ms(w), exists (
		select from gateway.newer_wishes(w.user_id, w.task_id, w.task_version))
		as has_newer,
       w.target, w.due_read,
       w.source_metadata, exists (
		select from gateway.agreed_since(w.user_id, w.task_id, w.wish,
			w.created_at, w.task_version)) as is_agreed,
       c.*
  from gateway.writebacks w
  left join claimed k on k.id = w.id
  left join gateway.connection_use c
    on c.connection_id = w.connection_id and c.owner_id = w.user_id
 where w.user_id = :user_id
   and w.id = :id
