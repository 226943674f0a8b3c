-- run_fail: a run that did not see the whole list marks nothing; the connection
-- waits longer each time.
-- :user_id           uuid         whose
-- :connection_id     uuid
-- :generation        bigint       the claim's
-- :t0                timestamptz  when the run began
-- :error             text         for people
-- :pages             integer      read until then
-- :auth_failed       boolean      the key was refused
-- :limit_ms          bigint       rate limited for so long; 0: not
-- :first_wait_ms     bigint
-- :longest_wait_ms   bigint
-- :other_account_id  text         the key's account, if it is another than before; or null
-- No row: another poller has the connection now, or it is gone.
with freed as (
	update integrations i
	   set lease_until = null,
	       failure_count = i.failure_count + 1,
	       last_error = :error,
	       quiet_list = case when :other_account_id is null then i.quiet_list end,
	       status = case when :auth_failed and i.status = 'active'
			then 'auth_failed' else i.status end,
	       rate_limited_until = case when :limit_ms > 0
			then now() + :limit_ms * interval '1 ms'
			else i.rate_limited_until end,
	       next_poll_at = now() + greatest(:limit_ms,
			least(:longest_wait_ms, :first_wait_ms
				* power(2, least(i.failure_count, 16))::bigint)
			* (0.5 + random())) * interval '1 ms'
	 where i.user_id = :user_id
	   and i.id = :connection_id
	   and i.generation = :generation
	returning i.user_id, i.id, i.type, i.failure_count
), told as (
	insert into events (user_id, type, connection_id, reason, detail)
	select f.user_id, 'connection.auth_failed', f.id, 'auth_failed',
	       'The provider no longer accepts this connection''s key.'
	  from freed f
	 where :auth_failed
), raised as (
	insert into guards as g (user_id, connection_id, kind, account_id)
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
), told_of_guard as (
	insert into events (user_id, type, connection_id, reason, detail)
	select f.user_id, 'guard.raised', f.id, 'account_changed',
	       format('The key now belongs to another account of %s; nothing is marked until that is certain.',
			initcap(f.type))
	  from freed f, raised
	 where is_new
), run as (
	insert into poll_runs (user_id, connection_id, generation, started_at,
		ended_at, outcome, error, pages, guard)
	select f.user_id, f.id, :generation, :t0, clock_timestamp(),
	       'failed', :error, :pages,
	       case when :other_account_id is not null then 'account_changed' end
	  from freed f
)
select failure_count from freed
