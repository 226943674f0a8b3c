-- decision_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.decisions
 where ctid in (
	select ctid from gateway.decisions
	 where decided_at < now() - :days * interval '1 day'
	 limit :limit)
