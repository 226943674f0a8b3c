-- write_probe: can this be written to, and may this role? A row is written as it is.
update gateway.reconciling
   set after_task_id = after_task_id
