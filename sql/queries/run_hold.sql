-- run_hold: lock the connection of a run. A statement of its own: to wait for the lock
-- may take long, and what run_mark judges by must be as it is after that.
-- Flowpin's row first, as who deletes it has it: its tasks are given its id later, which
-- looks at that row again. Who deletes it at this moment wins.
-- :user_id        uuid    whose
-- :connection_id  uuid    the connection
-- :generation     bigint  of the claim
with shown as materialized (
	select i.id
	  from public.integrations i
	 where i.id = :connection_id
	   and i.user_id = :user_id
	   for key share skip locked
)
select c.id
  from shown s
  join gateway.connections c on c.id = s.id
 where c.user_id = :user_id
   and c.generation = :generation
   -- no key update: imports and tasks that refer to it need not wait
   for no key update of c
