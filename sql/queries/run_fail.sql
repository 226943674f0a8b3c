-- run_fail: a run that did not see the whole list marks nothing; the connection waits
-- longer each time.
-- :user_id           uuid     whose
-- :connection_id     uuid     the connection
-- :generation        bigint   of the claim
-- :t0                bigint   epoch microseconds
-- :run_error         text     why, for its owner and operators
-- :pages             integer  read before
-- :auth_failed       boolean  the key was refused
-- :limit_ms          bigint   rate limited for so long, 0: not
-- :wait_ms           bigint   poll again in so long
-- :other_account_id  text     whose key it is, if it is another account's; or null
-- No row: another poller has the connection now, or it is gone.
with freed as (
	update gateway.connections c
	   set lease_until = null,
	       failure_count = least(c.failure_count + 1, 1000000),
	       last_error = :run_error,
	       quiet_list = case when :other_account_id is null then c.quiet_list end,
	       status = case when :auth_failed then 'auth_failed' else c.status end,
	       rate_limited_until = gateway.limit_until(c.rate_limited_until,
			:limit_ms),
	       next_poll_at = greatest(gateway.limit_until(c.rate_limited_until,
			:limit_ms), now() + :wait_ms * interval '1 ms')
	 where c.user_id = :user_id
	   and c.id = :connection_id
	   and c.generation = :generation
	returning c.user_id, c.id, c.failure_count
), source as (
	select f.*, i.type::text as type
	  from freed f
	  join public.integrations i on i.id = f.id
), raised as (
	insert into gateway.guards as g (user_id, connection_id, kind, account_id)
	select f.user_id, f.id, 'account_changed', :other_account_id
	  from freed f
	 where :other_account_id is not null
	    on conflict (user_id, connection_id) do update
	   set kind = excluded.kind,
	       held = 0,
	       account_id = excluded.account_id,
	       seen_at = now(),
	       raised_at = case when g.kind = excluded.kind
			then g.raised_at else now() end,
	       approved_at = null
	returning xmax = 0 as is_new
), told as (
	insert into gateway.events (user_id, type, connection_id, source, reason, held)
	select s.user_id, 'connection.auth_failed', s.id, s.type, 'auth_failed', null
	  from source s
	 where :auth_failed
	 union all
	select s.user_id, 'guard.raised', s.id, s.type, 'account_changed', 0
	  from source s
	  join raised r on r.is_new
), run as (
	insert into gateway.poll_runs (user_id, connection_id, generation, started_at,
		ended_at, outcome, error, pages, guard)
	select f.user_id, f.id, :generation, gateway.at(:t0), clock_timestamp(),
	       'failed', :run_error, :pages,
	       case when :other_account_id is not null then 'account_changed' end
	  from freed f
)
select failure_count from freed
