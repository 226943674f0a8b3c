-- Events of another database cluster, after a dump was restored: their transactions'
-- numbers are of that one, and may not be reached here for years. They count as the oldest
-- there are, in the order of their ids.
update gateway.events
   set txid = '3'
 where txid >= pg_snapshot_xmax(pg_current_snapshot());
