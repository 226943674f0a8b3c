-- event_trim: retention, in bounded bites.
-- $1 older than so many days  $2 rows at most
delete from events
 where ctid in (
	select ctid from events
	 where created_at < now() - $1::integer * interval '1 day'
	 limit $2)
