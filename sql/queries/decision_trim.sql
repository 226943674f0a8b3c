-- decision_trim: retention, in bounded bites.
-- $1 older than so many days  $2 rows at most
delete from decisions
 where ctid in (
	select ctid from decisions
	 where decided_at < now() - $1::integer * interval '1 day'
	 limit $2)
