-- poll_run_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.poll_runs
 where ctid in (
	select ctid from gateway.poll_runs
	 where ended_at < now() - :days * interval '1 day'
	 limit :limit)
