-- task_create: a task made by hand, or a legacy import that names an item but no
-- connection; connection_id is null either way.
-- $1 user_id  $2 title  $3 source  $4 source_id or null  $5 source_url or null
insert into tasks as t (user_id, title, source, source_id, source_url)
values ($1::uuid, $2, $3, $4, $5)
returning flowpin_task_json(t) as task
