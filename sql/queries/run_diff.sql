-- run_diff: which tasks of a connection does its complete list speak of?
-- :user_id           uuid    whose
-- :connection_id     uuid    the connection
-- :type              text    its source
-- :account_id        text    who asks, or null
-- :t0                bigint  epoch microseconds
-- :source_ids        text[]  listed
-- :dues              text[]  their due dates if they recur, or null
-- :absence_least_ms  bigint  two lists that are closer to each other are one
-- :replica_lag_ms    bigint  a list may be older than a write that is younger than this
-- finding: missing   active, not listed: to be confirmed by id
--          returned  completed, listed. due and closed_due: as listed, and as it was
--                    when it was completed. is_local: it stayed local on purpose
-- active: how many active tasks the connection has or has shown.
-- tasks_seen: gateway.tasks_seen of what was judged; null if some could not be. At least
-- one row says it, without a task if the list speaks of none.
-- is_put_off: asked for by id often enough, and left as it was.
-- Tasks that changed since t0, or whose writeback is open or was settled since, are left
-- out. One statement, because one snapshot must see it all. The anti-join grows linearly
-- under any plan; `<> all` does not.
with own as materialized (
	select gateway.ownership(:user_id, :type, :connection_id) as ownership
), listed as materialized (
	select *
	  from unnest(:source_ids, :dues) as l (source_id, due)
), under_way as materialized (
	select w.task_id
	  from gateway.tasks_under_way(:user_id, gateway.at(:t0)) as w (task_id)
), known as materialized (
	select t.*, gateway.is_own(t.connection_id, t.account_id, :connection_id,
		o.ownership) as is_own,
	       t.is_linked and t.noted = t.status
		and t.linked_at < gateway.at(:t0) and t.changed_at < gateway.at(:t0)
		and w.task_id is null as is_settled,
	       gateway.task_seen(t) as seen
	  from gateway.item_tasks t
	 cross join own o
	  left join under_way w on w.task_id = t.id
	 where t.user_id = :user_id
	   and t.source = :type
), counted as (
	select count(*) filter (where k.status = 'active'
			and (k.connection_id = :connection_id
			     or (k.is_own and k.account_id = :account_id))) as active,
	       case when bool_and(k.is_settled) is not false
		then gateway.seen_together(bit_xor(k.seen), count(*),
			(select o.ownership from own o)) end as tasks_seen
	  from known k
), last_completion as (
	select distinct on (w.task_id) w.task_id, w.state
	  from gateway.writebacks w
	 where w.user_id = :user_id
	   and w.wish = 'complete'
	   -- what was rolled back went back to an earlier completion
	   and w.state in ('accepted', 'skipped')
	 order by w.task_id, w.task_version desc
), written as materialized (
	select w.task_id, max(w.settled_at) as at
	  from gateway.writebacks w
	 where w.user_id = :user_id
	   and w.settled_at > gateway.at(:t0) - :replica_lag_ms * interval '1 ms'
	   and w.state = 'accepted'
	   and w.attempts > 0
	 group by w.task_id
), spoken_of as (
	select k.id, k.version, k.source_id, k.missing_since is not null as was_missing,
	       coalesce(k.missing_since <= gateway.at(:t0)
			- :absence_least_ms * interval '1 ms', false) as is_long_missing,
	       gateway.is_guess(k.account_id, :account_id, k.connection_id is null)
		as never_seen,
	       w.at is not null
		and coalesce(k.contradicted_since > gateway.at(:t0)
			- :absence_least_ms * interval '1 ms', true) as is_lagging,
	       coalesce(k.asks, 0) as asks,
	       coalesce(k.ask_after > gateway.at(:t0), false) as is_put_off,
	       l.due, k.metadata ->> 'due_date' as closed_due,
	       coalesce(k.completed_by = 'user' and c.state = 'skipped', false)
		as is_local,
	       case k.status when 'completed' then 'returned' else 'missing' end
		as finding
	  from known k
	  left join listed l on l.source_id = k.source_id
	  left join last_completion c on c.task_id = k.id
  left join written w on w.task_id = k.id
	 where k.is_own
	   and k.is_settled
	   and ((k.status = 'active' and l.source_id is null)
		or (k.status = 'completed' and l.source_id is not null))
)
select s.*, n.active, n.tasks_seen
  from counted n
  left join spoken_of s on true
 -- those first that were asked for the least
 order by s.asks, s.id
