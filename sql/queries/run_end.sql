-- run_end: let go of a connection after a complete run.
-- :user_id        uuid     whose
-- :connection_id  uuid     the connection
-- :type           text     its source
-- :generation     bigint   of the claim, whose row run_hold has locked
-- :t0             bigint   epoch microseconds
-- :account_id     text     who the key is, or null
-- :patch          jsonb    what was learnt of the connection, or null
-- :next_poll_ms   bigint   poll again in so long
-- :idle_poll_ms   bigint   an idle one waits so long at most
-- :idle_after     integer  quiet runs until it is idle
-- :list           text     SHA-256 of the list
-- :tasks_seen     bigint?  of run_diff
-- :candidates     integer  tasks that the list spoke of
-- :limit_ms       bigint   reading by id was limited for so long, 0: not
with state as materialized (
	select c.id, gateway.inbox_seen(:user_id, c.id) as inbox,
	       gateway.tasks_seen(:user_id, :type, c.id) as tasks,
	       exists (
			select from gateway.guards g
			 where g.user_id = :user_id
			   and g.connection_id = c.id) as is_held,
	       exists (
			select from gateway.links l
			 where l.user_id = :user_id
			   and l.source = :type
			   and (l.changed_at > c.last_complete_run_at
				or l.seen_at > c.last_complete_run_at)) as has_news
	  from gateway.connections c
	 where c.id = :connection_id
	   and c.generation = :generation
), activity as (
	select s.*, case when s.has_news or s.is_held
			or s.inbox <> coalesce(c.quiet_inbox, 0)
			then 0 else least(c.idle_runs + 1, 1000000) end as idle_runs
	  from state s
	  join gateway.connections c on c.id = s.id
	 where c.id = :connection_id
)
update gateway.connections c
   set lease_until = null,
       next_poll_at = gateway.poll_next(gateway.poll_wait_ms(:next_poll_ms,
		:idle_poll_ms, a.idle_runs, :idle_after), c.next_poll_at,
		gateway.at(:t0), gateway.limit_until(c.rate_limited_until,
		:limit_ms)),
       rate_limited_until = gateway.limit_until(c.rate_limited_until, :limit_ms),
       idle_runs = a.idle_runs,
       -- the same list over the same tasks will have nothing to do either
       quiet_list = case when a.idle_runs > 0 and :candidates = 0
		and a.tasks = :tasks_seen then :list end,
       quiet_tasks = :tasks_seen,
       quiet_inbox = a.inbox,
       failure_count = 0,
       last_error = null,
       last_complete_run_at = gateway.at(:t0),
       account_id = coalesce(:account_id, c.account_id),
       metadata = c.metadata || coalesce(:patch, '{}')
  from activity a
 where c.id = a.id
   and c.id = :connection_id
returning c.id
