-- writeback_keep: what an owner read of the item and is about to send, right before it
-- sends it: who takes over has to know, because the item alone does not tell. And what
-- the task stands for since then, whatever the last list said: what is completed is the
-- date that was read; so is what is active or becomes so again, if nothing is sent. When
-- the item was changed last is not known from then on: by us.
-- :user_id     uuid    whose
-- :id          uuid    the writeback
-- :generation  bigint  of the owner
-- :target      text    the write; empty: none is sent
-- :due_read    text    the occurrence's due date, as read
-- No row: it has another owner by now, and must not be sent.
with kept as (
	update gateway.writebacks w
	   set target = :target,
	       -- where nothing is sent, who takes over compares with what was known
	       due_read = case when :target = '' then w.due_read else :due_read end
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
	   and (k.wish = 'complete' or :target = '')
	   -- never waited for: what holds it may take its time
	   for update of l skip locked
), dated as (
	update gateway.links l
	   set metadata = jsonb_set(l.metadata, '{due_date}', to_jsonb(:due_read))
			- 'updated_at',
	       due_since = case when :target = ''
			and l.metadata ->> 'due_date' is distinct from :due_read
			then clock_timestamp() else l.due_since end
	  from meant m
	 where l.task_id = m.task_id
	   and l.user_id = :user_id
), waiting as materialized (
	-- wishes that were made meanwhile, of a date that the list had
	select n.id
	  from kept k
	  join gateway.writebacks n on n.task_id = k.task_id
	 where n.user_id = :user_id
	   and n.task_version > k.task_version
	   and n.settled_at is null
	   and k.wish = 'complete'
	   and :target <> ''
	   for update of n skip locked
), told as (
	update gateway.writebacks n
	   set source_metadata = jsonb_set(n.source_metadata, '{due_date}',
			to_jsonb(:due_read)) - 'updated_at'
	  from waiting w
	 where n.user_id = :user_id
	   and n.id = w.id
)
select k.id from kept k
