-- inbox_list: active items that no task of the user stands for, newest first, one more
-- than asked. Of a connection whose metadata names state types (Linear), those: started
-- and unstarted if it names none.
-- input: errors of class 22 are about what the caller sent
-- :user_id        uuid     whose
-- :connection_id  uuid     only its; null: all
-- :after_us       bigint?  cursor: created_at of the last one seen, or null
-- :after_id       uuid     and its id
-- :limit          integer  rows
select b.id, gateway.us(b.created_at) as created_us,
       (select row_to_json(j)
	  from (select
		b.id,
		b.connection_id,
		i.type::text as source,
		b.source_id,
		b.title,
		b.bag ->> 'description' as description,
		b.source_url,
		b.metadata as source_metadata,
		gateway.time_text(b.created_at) as created_at) j) as item
  from gateway.inbox_items b
  join public.integrations i on i.id = b.connection_id and i.user_id = b.user_id
 where b.user_id = :user_id
   and i.id = any (gateway.connections_of(:user_id))
   and gateway.is_time(b.created_at)
   and (:connection_id is null or b.connection_id = :connection_id)
   and (b.metadata ->> 'state_type' is null
	or case when jsonb_typeof(i.metadata -> 'linearStateTypes') = 'array'
		then i.metadata -> 'linearStateTypes'
		else '["started", "unstarted"]' end ? (b.metadata ->> 'state_type'))
   and (:after_us is null
	or (b.created_at, b.id) < (gateway.at(:after_us), :after_id))
 order by b.created_at desc, b.id desc
 limit :limit
