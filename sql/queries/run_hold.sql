-- run_hold: lock the connection of a run. A statement of its own: to wait for the lock
-- may take long, and what run_mark judges by must be as it is after that.
-- :user_id        uuid    whose
-- :connection_id  uuid    the connection
-- :generation     bigint  of the claim
select c.id
  from gateway.connections c
 where c.id = :connection_id
   and c.user_id = :user_id
   and c.generation = :generation
   -- no key update: imports and tasks that refer to it need not wait
   for no key update of c
