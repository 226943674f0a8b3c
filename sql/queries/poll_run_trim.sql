-- poll_run_trim: retention, in bounded bites.
-- $1 older than so many days  $2 rows at most
delete from poll_runs
 where ctid in (
	select ctid from poll_runs
	 where ended_at < now() - $1::integer * interval '1 day'
	 limit $2)
