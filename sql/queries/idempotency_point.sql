-- idempotency_point: a call found that what it was to make is there already, under
-- another id: that is what its repetitions are about.
-- :user_id  uuid  whose
-- :key      text  as the caller sent it
-- :call_id  uuid  the call's
-- :made_id  uuid  what is there
update gateway.idempotency_keys k
   set call_id = :made_id
 where k.user_id = :user_id
   and k.key = :key
   and k.call_id = :call_id
   and k.status is null
