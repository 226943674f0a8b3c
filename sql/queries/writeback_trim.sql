-- writeback_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  so many rows at most
delete from writebacks
 where ctid in (
	select ctid from writebacks
	 where settled_at < now() - :days * interval '1 day'
	 limit :limit)
