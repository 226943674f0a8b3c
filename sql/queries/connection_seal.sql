-- connection_seal: keep a key sealed that stood in integrations, and empty that column,
-- if it is still the same one, and was taken note of. A key that is sealed already is the
-- newer one, and stays.
-- :connection_id  uuid   which
-- :api_key        text   as it stood there
-- :key_sealed     bytea  sealed
-- :key_id         text   what sealed it
with own as materialized (
	select i.id
	  from public.integrations i
	 where i.id = :connection_id
	   and i.api_key = :api_key
	   for no key update
), kept as (
	update gateway.connections c
	   set key_sealed = coalesce(c.key_sealed, :key_sealed),
	       key_id = case when c.key_sealed is null then :key_id else c.key_id end,
	       api_key_digest = null
	  from own o
	 where c.id = o.id
	   and c.api_key_digest = sha256(convert_to(:api_key, 'UTF8'))
	returning c.id
)
update public.integrations i
   set api_key = null
  from kept k
 where i.id = k.id
returning i.id
