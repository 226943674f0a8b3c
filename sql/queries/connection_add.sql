-- connection_add: a new connection with its sealed key, polled at once.
-- input: errors of class 22 are about what the caller sent
-- :user_id        uuid   whose
-- :connection_id  uuid   its id
-- :type           text   the provider
-- :label          text   the user's name for it
-- :key_sealed     bytea  the sealed key
-- :key_id         text   what sealed it
-- :metadata       jsonb  as the user gives it
-- :most           bigint a user has so many at most: then no row is returned
-- The trigger on integrations, which makes a row of its own where there is none, comes
-- after both.
with added as (
	insert into public.integrations (user_id, id, type, label, metadata)
	select :user_id, :connection_id, gateway.connection_type(:type), :label, :metadata
	 where (select count(*) from public.integrations i where i.user_id = :user_id)
		< :most
	returning id, user_id
)
insert into gateway.connections (id, user_id, key_sealed, key_id)
select a.id, a.user_id, :key_sealed, :key_id
  from added a
returning id
