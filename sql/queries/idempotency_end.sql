-- idempotency_end: keep the answer for repetitions; or forget the key, because the call
-- changed nothing; or, else, let the next repetition have it at once.
-- :user_id       uuid      whose
-- :key           text      as the caller sent it
-- :status        integer?  of the answer; null: it is not kept
-- :content_type  text      of the answer
-- :headers       text      of the answer
-- :body          text      of the answer
-- :forget        boolean   the key
-- :owner         uuid      which call it is: nothing happens if another has the key now
with kept as (
	update gateway.idempotency_keys k
	   set status = :status, content_type = :content_type, headers = :headers,
	       body = :body,
	       locked_until = case when :status is null then now()
			else k.locked_until end
	 where k.user_id = :user_id
	   and k.key = :key
	   and k.owner = :owner
	   and not :forget
	returning k.key
)
delete from gateway.idempotency_keys k
 where k.user_id = :user_id
   and k.key = :key
   and k.owner = :owner
   and :forget
