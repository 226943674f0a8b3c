-- idempotency_begin: take a key for a request, or learn what became of it.
-- :user_id      uuid    whose
-- :key          text    as the caller sent it
-- :fingerprint  text    of the request
-- :lock_ms      bigint  for so long
-- :owner        uuid    which call it is
-- is_ours: run the request; a key whose process went away is taken over. Else the first
-- answer, if there is one yet. No fingerprint: someone took the key at this very moment.
with taken as (
	insert into gateway.idempotency_keys as k (user_id, key, fingerprint,
		locked_until, owner)
	values (:user_id, :key, :fingerprint, now() + :lock_ms * interval '1 ms',
		:owner)
	    on conflict (user_id, key) do update
	   set locked_until = excluded.locked_until, owner = excluded.owner
	 where k.status is null
	   and k.locked_until <= now()
	   and k.fingerprint = excluded.fingerprint
	returning k.key
)
select exists (select from taken) as is_ours, k.fingerprint, k.status,
       k.content_type, k.headers, k.body
  from (select 1) as one (n)
  left join gateway.idempotency_keys k
    on k.user_id = :user_id and k.key = :key
