-- task_list: a user's tasks, newest first, one more than asked (is there a next page?).
-- input: errors of class 22 are about what the caller sent
-- :user_id   uuid     whose
-- :status    text     only these; null: all
-- :source    text     only these; null: all
-- :after_us  bigint?  cursor: created_at of the last one seen, or null
-- :after_id  uuid     and its id
-- :limit     integer  rows
-- A task that was made at no moment that a cursor can name is in no list.
select t.id, gateway.us(t.created_at) as created_us,
       gateway.task_json(t, l) as task
  from public.tasks t
  left join gateway.links l on l.task_id = t.id
 where t.user_id = :user_id
   and (:status is null or t.status::text = :status)
   and (:source is null or t.source::text = :source)
   and gateway.is_time(t.created_at)
   and (:after_us is null
	or (t.created_at, t.id) < (gateway.at(:after_us), :after_id))
 order by t.created_at desc, t.id desc
 limit :limit
