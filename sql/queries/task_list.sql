-- task_list: a user's tasks, newest first, one more than asked (is there a next
-- page?).
-- :user_id     uuid         whose
-- :status      text         only of this one; null: of all
-- :source      text         only from there; null: from all
-- :after_time  timestamptz  the cursor: created_at of the last one seen; null: from the start
-- :after_id    uuid         and its id
-- :limit       integer      so many at most
-- input: errors of class 22 are about what the caller sent
select t.id, flowpin_time(t.created_at) as created_at,
       flowpin_task_json(t) as task
  from tasks t
 where t.user_id = :user_id
   and (:status is null or t.status = :status)
   and (:source is null or coalesce(t.source, 'manual') = :source)
   and (:after_time is null
	or (t.created_at, t.id) < (:after_time, :after_id))
 order by t.created_at desc, t.id desc
 limit :limit
