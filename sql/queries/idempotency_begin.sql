-- idempotency_begin: take a key for a request, or learn what became of it.
-- :user_id      uuid    whose
-- :key          text    as the caller sent it
-- :fingerprint  text    of the request
-- :lock_ms      bigint  for so long
-- :owner        uuid    which call it is
-- is_ours: run the request; a key whose process went away is taken over. Else the first
-- answer, if there is one yet. No fingerprint: someone took the key at this very moment.
-- call_id: what the request makes has this id. Another one than the owner's: the process
-- that went away may have made it. What was rolled back is made anew.
with taken as (
	insert into gateway.idempotency_keys as k (user_id, key, fingerprint,
		locked_until, owner, call_id)
	values (:user_id, :key, :fingerprint, now() + :lock_ms * interval '1 ms',
		:owner, :owner)
	    on conflict (user_id, key) do update
	   set locked_until = excluded.locked_until, owner = excluded.owner,
	       call_id = case when exists (
			select from gateway.writebacks w
			 where w.user_id = k.user_id
			   and w.id = k.call_id
			   and w.state = 'rolled_back') then excluded.call_id
			else k.call_id end
	 where k.status is null
	   and k.locked_until <= now()
	   and k.fingerprint = excluded.fingerprint
	returning k.call_id
)
select t.call_id is not null as is_ours, t.call_id, k.fingerprint, k.status,
       k.content_type, k.headers, k.body
  from (select 1) as one (n)
  left join taken t on true
  left join gateway.idempotency_keys k
    on k.user_id = :user_id and k.key = :key
