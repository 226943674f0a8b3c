-- connection_update: change what is given; a new key makes it active again.
-- input: errors of class 22 are about what the caller sent
-- :user_id        uuid      whose
-- :connection_id  uuid      which
-- :label          text      its new name; null: stays
-- :key_sealed     bytea     its new key, sealed; null: stays
-- :key_id         text      what sealed it
-- :writeback      boolean?  are its tasks' completions sent? null: stays
-- :is_active      boolean?  false: paused; null: stays
-- The account stays: a key of another one shows, and holds the runs. Flowpin's row is
-- locked first, as the trigger on it has it, and written only if something in it changes.
with own as materialized (
	select i.id, i.label, coalesce(i.is_active, true) as is_active,
	       -- not taken note of yet: else it would seem to replace the new one
	       sha256(convert_to(nullif(i.api_key, ''), 'UTF8')) as digest
	  from public.integrations i
	 where i.user_id = :user_id
	   and i.id = :connection_id
	   for no key update
), shown as (
	update public.integrations i
	   set label = coalesce(:label, i.label),
	       is_active = coalesce(:is_active, i.is_active)
	  from own o
	 where i.id = o.id
	   and ((:label is not null and o.label is distinct from :label)
		or (:is_active is not null and o.is_active <> :is_active))
), kept as (
	insert into gateway.connections as c (id, user_id, api_key_digest, key_sealed,
		key_id, writeback)
	select o.id, :user_id, o.digest, :key_sealed, :key_id, coalesce(:writeback, true)
	  from own o
	    on conflict (id) do update
	   set key_sealed = coalesce(excluded.key_sealed, c.key_sealed),
	       key_id = coalesce(excluded.key_id, c.key_id),
	       writeback = coalesce(:writeback, c.writeback),
	       next_poll_at = case when excluded.key_id is not null
			or :is_active is not null then now() else c.next_poll_at end,
	       key_version = c.key_version + (excluded.key_id is not null)::integer,
	       generation = c.generation + (excluded.key_id is not null)::integer,
	       status = case when excluded.key_id is null then c.status
			else 'active' end,
	       rate_limited_until = case when excluded.key_id is null
			then c.rate_limited_until end,
	       lease_until = case when excluded.key_id is null
			then c.lease_until end,
	       -- another key may be another account's
	       quiet_list = case when excluded.key_id is null
			then c.quiet_list end,
	       failure_count = case when excluded.key_id is null
			then c.failure_count else 0 end,
	       last_error = case when excluded.key_id is null
			then c.last_error end
)
select id from own
