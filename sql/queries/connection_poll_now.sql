-- connection_poll_now: let the next poller take it, whatever its interval.
-- :user_id        uuid  whose
-- :connection_id  uuid
update integrations i
   set next_poll_at = now(), quiet_runs = 0, updated_at = now()
 where i.user_id = :user_id
   and i.id = :connection_id
returning i.id
