-- run_fail: a run that did not see the whole list marks nothing; the connection
-- waits longer each time.
-- $1 user_id  $2 connection id  $3 generation  $4 t0  $5 error  $6 pages
-- $7 the key was refused  $8 rate limited for so many ms, 0: not
-- $9 first wait, ms  $10 longest wait, ms
-- $11 the account that the key belongs to, if it is another than before, or null
-- No row: another poller has the connection now, or it is gone.
with freed as (
	update integrations i
	   set lease_until = null,
	       failure_count = i.failure_count + 1,
	       last_error = $5,
	       quiet_list = case when $11::text is null then i.quiet_list end,
	       status = case when $7::boolean and i.status = 'active'
			then 'auth_failed' else i.status end,
	       rate_limited_until = case when $8::bigint > 0
			then now() + $8::bigint * interval '1 ms'
			else i.rate_limited_until end,
	       next_poll_at = now() + greatest($8::bigint,
			least($10::bigint, $9::bigint
				* power(2, least(i.failure_count, 16))::bigint)
			* (0.5 + random())) * interval '1 ms'
	 where i.user_id = $1::uuid
	   and i.id = $2::uuid
	   and i.generation = $3::bigint
	returning i.user_id, i.id, i.type, i.failure_count
), told as (
	insert into events (user_id, type, connection_id, reason, detail)
	select f.user_id, 'connection.auth_failed', f.id, 'auth_failed',
	       'The provider no longer accepts this connection''s key.'
	  from freed f
	 where $7::boolean
), raised as (
	insert into guards as g (user_id, connection_id, kind, account_id)
	select f.user_id, f.id, 'account_changed', $11
	  from freed f
	 where $11::text is not null
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
	select f.user_id, f.id, $3::bigint, $4::timestamptz, clock_timestamp(),
	       'failed', $5, $6::integer,
	       case when $11::text is not null then 'account_changed' end
	  from freed f
)
select failure_count from freed
