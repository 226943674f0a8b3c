-- inbox_import: make a task of an inbox item, or bring the item's archived or completed
-- one back, and remove the item from the inbox.
-- input: errors of class 22 are about what the caller sent
-- :user_id    uuid  whose
-- :id         uuid  the inbox item
-- :task_id    uuid  a new task's id
-- :bucket_id  uuid  where it is put; null: the connection's default
-- :section    text  today, sooner or later; null: the connection's default
-- what: made, returned, active (id is the task that it is already), no_item, no_bucket
select i.what, i.id
  from gateway.import_item(:user_id, :id, :task_id, :bucket_id,
	:section) i
