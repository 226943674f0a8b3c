-- inbox_list: active items a user has not imported, newest first, one more than
-- asked.
-- :user_id        uuid         whose
-- :connection_id  uuid         only its items; null: all
-- :after_time     timestamptz  the cursor: created_at of the last one seen; null: from the start
-- :after_id       uuid         and its id
-- :limit          integer      so many at most
-- input: errors of class 22 are about what the caller sent
select i.id, flowpin_time(i.created_at) as created_at,
       (select row_to_json(j)
	  from (select
		i.id,
		i.connection_id,
		c.type as source,
		i.source_id,
		i.title,
		i.source_url,
		i.metadata as source_metadata,
		flowpin_time(i.created_at) as created_at) j) as item
  from inbox_items i
  join integrations c on c.id = i.connection_id and c.user_id = i.user_id
 where i.user_id = :user_id
   and (:connection_id is null or i.connection_id = :connection_id)
   and (:after_time is null
	or (i.created_at, i.id) < (:after_time, :after_id))
 order by i.created_at desc, i.id desc
 limit :limit
