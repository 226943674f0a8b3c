-- writeback_trim: retention, in bounded bites. That a task was completed here and was not
-- to be there stays known as long as it is completed: no list may open it again.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.writebacks
 where ctid in (
	select w.ctid
	  from gateway.writebacks w
	 where w.settled_at < now() - :days * interval '1 day'
	   and not (w.wish = 'complete' and w.state = 'skipped' and exists (
		select from gateway.links l
		 where l.task_id = w.task_id
		   and l.status = 'completed'
		   and l.completed_by = 'user'))
	 limit :limit)
