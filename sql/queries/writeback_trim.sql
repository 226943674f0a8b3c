-- writeback_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.writebacks
 where ctid in (
	select ctid from gateway.writebacks
	 where settled_at < now() - :days * interval '1 day'
	 limit :limit)
