-- event_list: what happened after a cursor, oldest first, one more than asked.
-- Only what every older transaction can no longer slip behind.
-- :user_id  uuid     whose
-- :txid     xid8     the cursor: transaction of the last one seen
-- :id       bigint   and its id
-- :limit    integer  so many at most
-- input: errors of class 22 are about what the caller sent
select e.txid, e.id,
       (select row_to_json(j)
	  from (select
		e.txid::text || '-' || e.id as id,
		e.type,
		e.task_id,
		e.writeback_id,
		e.connection_id,
		e.reason,
		e.detail,
		flowpin_time(e.created_at) as created_at) j) as event
  from events e
 where e.user_id = :user_id
   and (e.txid, e.id) > (:txid, :id)
   and e.txid < pg_snapshot_xmin(pg_current_snapshot())
 order by e.txid, e.id
 limit :limit
