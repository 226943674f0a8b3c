-- connection_poll_now: let the next poller take it, whatever its interval.
-- :user_id        uuid  whose
-- :connection_id  uuid  which
update gateway.connections c
   set next_poll_at = clock_timestamp(), idle_runs = 0
 where c.user_id = :user_id
   and c.id = :connection_id
returning c.id
