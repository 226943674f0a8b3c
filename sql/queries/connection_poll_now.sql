-- connection_poll_now: let the next poller take it, whatever its interval.
-- $1 user_id  $2 connection id
update integrations i
   set next_poll_at = now(), quiet_runs = 0, updated_at = now()
 where i.user_id = $1::uuid
   and i.id = $2::uuid
returning i.id
