-- idempotency_end: keep the answer for repetitions; or, status null, forget the
-- key, so that a repetition tries again.
-- :user_id       uuid      whose
-- :key           text      as the caller chose it
-- :status        integer?  of the answer; null: forget the key
-- :content_type  text
-- :headers       text
-- :body          text
-- :owner         uuid      which call it is: nothing happens if another took the key over
with kept as (
	update idempotency_keys k
	   set status = :status, content_type = :content_type, headers = :headers, body = :body
	 where k.user_id = :user_id
	   and k.key = :key
	   and k.owner = :owner
	   and :status is not null
	returning k.key
)
delete from idempotency_keys k
 where k.user_id = :user_id
   and k.key = :key
   and k.owner = :owner
   and :status is null
