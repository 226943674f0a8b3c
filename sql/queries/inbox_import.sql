-- inbox_import: make a task of an inbox item and remove it from the inbox.
-- :user_id        uuid  whose
-- :inbox_item_id  uuid
-- No row: no such item. A conflict: it is an active task already.
with taken as (
	delete from inbox_items i
	 where i.user_id = :user_id
	   and i.id = :inbox_item_id
	returning i.*
)
insert into tasks as t (user_id, title, source, source_id, source_url,
	source_metadata, connection_id, seen_at)
select i.user_id, i.title, c.type, i.source_id, i.source_url, i.metadata,
       i.connection_id, clock_timestamp()
  from taken i
  join integrations c on c.id = i.connection_id and c.user_id = i.user_id
returning flowpin_task_json(t) as task
