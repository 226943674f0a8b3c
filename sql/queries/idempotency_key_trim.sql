-- idempotency_key_trim: retention, in bounded bites.
-- :days   integer  older than so many
-- :limit  integer  rows at most
delete from gateway.idempotency_keys
 where ctid in (
	select ctid from gateway.idempotency_keys
	 where created_at < now() - :days * interval '1 day'
	 limit :limit)
