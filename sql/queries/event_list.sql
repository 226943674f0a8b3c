-- event_list: what happened after a cursor, oldest first. Only events of transactions
-- older than every one still running: a later commit can never appear behind the cursor.
-- A cursor from the database cluster that a dump came from names a transaction that was
-- not here yet: its number says nothing, see sql/rules/85_restored.sql.
-- input: errors of class 22 are about what the caller sent
-- :user_id     uuid     whose
-- :after_txid  xid8     cursor: transaction
-- :after_id    bigint   and number
-- :limit       integer  rows
select e.txid, e.id, e.type, e.task_id, e.writeback_id, e.connection_id, e.source,
       e.wish, e.reason, e.held, gateway.time_text(e.created_at) as created_at
  from gateway.events e
 where e.user_id = :user_id
   and (e.txid, e.id) > (case when :after_txid < pg_snapshot_xmax(pg_current_snapshot())
		then :after_txid else '3' end, :after_id)
   and e.txid < pg_snapshot_xmin(pg_current_snapshot())
 order by e.txid, e.id
 limit :limit
