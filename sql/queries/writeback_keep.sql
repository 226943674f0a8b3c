-- writeback_keep: what an owner read of the item and is about to send, right before it
-- sends it: who takes over has to know, because the item alone does not tell. What is
-- completed is the date that was read, whatever the last list said.
-- :user_id     uuid    whose
-- :id          uuid    the writeback
-- :generation  bigint  of the owner
-- :target      text    the write
-- :due_read    text    the occurrence's due date, as read
-- No row: it has another owner by now, and must not be sent.
with kept as (
	update gateway.writebacks w
	   set target = :target, due_read = :due_read
	 where w.user_id = :user_id
	   and w.id = :id
	   and w.generation = :generation
	   and w.state = 'sending'
	returning w.id, w.task_id, w.task_version, w.wish
), meant as materialized (
	select l.task_id
	  from kept k
	  join gateway.links l on l.task_id = k.task_id
	 where l.user_id = :user_id
	   and l.version = k.task_version
	   and k.wish = 'complete'
	   -- a run that has it knows no better date, and takes its time
	   for update of l skip locked
), dated as (
	update gateway.links l
	   set metadata = jsonb_set(l.metadata, '{due_date}', to_jsonb(:due_read))
	  from meant m
	 where l.task_id = m.task_id
	   and l.user_id = :user_id
)
select k.id from kept k
