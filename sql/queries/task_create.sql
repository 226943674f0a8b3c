-- task_create: a task made by hand, or a legacy import that names an item but no
-- connection; connection_id is null either way.
-- :user_id     uuid  whose
-- :title       text
-- :source      text
-- :source_id   text  or null
-- :source_url  text  or null
-- input: errors of class 22 are about what the caller sent
insert into tasks as t (user_id, title, source, source_id, source_url)
values (:user_id, :title, :source, :source_id, :source_url)
returning flowpin_task_json(t) as task
