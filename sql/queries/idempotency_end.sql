-- idempotency_end: keep the answer for repetitions; or, status null, forget the key, so
-- that a repetition tries again.
-- :user_id       uuid      whose
-- :key           text      as the caller sent it
-- :status        integer?  of the answer; null: forget
-- :content_type  text      of the answer
-- :headers       text      of the answer
-- :body          text      of the answer
-- :owner         uuid      which call it is: nothing happens if another has the key now
with kept as (
	update gateway.idempotency_keys k
	   set status = :status, content_type = :content_type, headers = :headers,
	       body = :body
	 where k.user_id = :user_id
	   and k.key = :key
	   and k.owner = :owner
	   and :status is not null
	returning k.key
)
delete from gateway.idempotency_keys k
 where k.user_id = :user_id
   and k.key = :key
   and k.owner = :owner
   and :status is null
