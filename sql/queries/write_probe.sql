-- write_probe: can this be written to, and may this role? A row is written as it is,
-- unless somebody else is at it: that is not waited for.
with free as (
	select r.is_only
	  from gateway.reconciling r
	   for update skip locked
)
update gateway.reconciling r
   set after_task_id = r.after_task_id
  from free f
 where f.is_only = r.is_only
