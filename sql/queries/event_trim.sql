-- event_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.events
 where ctid in (
	select ctid from gateway.events
	 where created_at < now() - :days * interval '1 day'
	 limit :limit)
