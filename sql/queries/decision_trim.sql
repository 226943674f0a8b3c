-- decision_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  so many rows at most
delete from decisions
 where ctid in (
	select ctid from decisions
	 where decided_at < now() - :days * interval '1 day'
	 limit :limit)
