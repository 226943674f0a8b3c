-- inbox_list: active items a user has not imported, newest first, one more than
-- asked.
-- $1 user_id  $2 connection id or null  $3 cursor: created_at or null
-- $4 and its id  $5 limit
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
 where i.user_id = $1::uuid
   and ($2::uuid is null or i.connection_id = $2::uuid)
   and ($3::timestamptz is null
	or (i.created_at, i.id) < ($3::timestamptz, $4::uuid))
 order by i.created_at desc, i.id desc
 limit $5
