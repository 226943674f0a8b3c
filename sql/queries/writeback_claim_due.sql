-- writeback_claim_due: take up writebacks whose owner's lease ended or whose next
-- attempt is due, the oldest wish of each task first.
-- :limit               integer  at most so many
-- :lease_ms            bigint   for so long
-- :give_up_ms          bigint   an outcome still unknown at this age is given up
-- :doubt_ms            bigint   for so long after its lease what a silent owner sent may
--                               still have its effect
-- :recurring_grace_ms  bigint   a wish of a recurring item that came by row waits so
--                               long, because the client may close it itself
-- :but_connections     uuid[]   not of these connections
-- :but_users           uuid[]   nor of these users
-- What a silent owner left comes before all that waits for its first attempt or its next.
with abandoned as materialized (
	-- these hold their task's one place in flight, their lease over, and come before
	-- all that wait for that place
	select w.user_id, w.id
	  from gateway.writebacks w
	 where w.settled_at is null
	   and w.state = 'sending'
	   and w.due_at <= now()
	   -- one that cannot be counted further would fail the claim of all
	   and w.generation < 1000000000000000
	   and w.connection_id <> all (:but_connections) is not false
	   and w.user_id <> all (:but_users)
	 order by w.due_at
	 limit :limit
	   for update skip locked
), waiting as materialized (
	select w.user_id, w.id
	  from gateway.writebacks w
	 where w.settled_at is null
	   and w.state = 'queued'
	   and w.due_at <= now()
	   and w.generation < 1000000000000000
	   and w.connection_id <> all (:but_connections) is not false
	   and w.user_id <> all (:but_users)
	   and (w.origin = 'call' or w.attempts > 0
		or gateway.is_written(w.user_id, w.task_id, w.task_version))
	   and (w.origin = 'call' or w.attempts > 0
		or w.source_metadata ->> 'is_recurring' is distinct from 'true'
		or w.created_at <= now() - :recurring_grace_ms * interval '1 ms')
	   and not exists (
		select from gateway.goes_before(w.user_id, w.task_id, w.id,
			w.task_version))
	 order by w.due_at
	 limit :limit
	   for update skip locked
), due as (
	select *
	  from abandoned
	 union all
	select *
	  from waiting
	 limit :limit
), claimed as (
	update gateway.writebacks w
	   set state = 'sending', generation = w.generation + 1,
	       attempts = least(w.attempts + 1, 1000000000),
	       -- its owner fell silent, perhaps after sending it
	       is_unclear = w.is_unclear or w.state = 'sending',
	       doubt_until = case when w.state = 'sending' and :doubt_ms > 0
			then w.due_at + :doubt_ms * interval '1 ms'
			else w.doubt_until end,
	       due_at = now() + :lease_ms * interval '1 ms'
	  from due d
	 where w.user_id = d.user_id
	   and w.id = d.id
	returning w as row
)
select (k.row).user_id, (k.row).id as writeback_id, (k.row).task_id, (k.row).wish,
       (k.row).by_fallback,
       gateway.is_guess(l.account_id, c.account_id, (k.row).by_fallback) as is_guess,
       l.account_id as shown_to,
       (k.row).origin <> 'call' as by_row, (k.row).source, (k.row).source_id,
       (k.row).source_metadata, (k.row).generation as writeback_generation,
       (k.row).attempts, (k.row).is_unclear, gateway.doubt_ms(k.row),
       exists (
		select from gateway.newer_wishes((k.row).user_id, (k.row).task_id,
			(k.row).task_version)) as has_newer,
       (k.row).target, (k.row).due_read,
       (k.row).is_unclear or (k.row).reason is not distinct from 'account_changed'
		as is_doubted,
       (k.row).created_at <= now() - :give_up_ms * interval '1 ms' as is_too_old,
       exists (
		select from gateway.agreed_since((k.row).user_id, (k.row).task_id,
			(k.row).wish, (k.row).created_at, (k.row).task_version))
		as is_agreed,
       c.*
  from claimed k
  left join gateway.connection_use c
    on c.connection_id = (k.row).connection_id and c.owner_id = (k.row).user_id
  left join gateway.links l on l.task_id = (k.row).task_id
