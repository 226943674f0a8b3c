-- event_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  so many rows at most
delete from events
 where ctid in (
	select ctid from events
	 where created_at < now() - :days * interval '1 day'
	 limit :limit)
