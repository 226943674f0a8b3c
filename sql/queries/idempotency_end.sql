-- idempotency_end: keep the answer for repetitions; or, status null, forget the
-- key, so that a repetition tries again.
-- $1 user_id  $2 key  $3 status or null  $4 content type  $5 headers  $6 body
-- $7 which call it is: nothing happens if another has taken the key over
with kept as (
	update idempotency_keys k
	   set status = $3::integer, content_type = $4, headers = $5, body = $6
	 where k.user_id = $1::uuid
	   and k.key = $2
	   and k.owner = $7::uuid
	   and $3::integer is not null
	returning k.key
)
delete from idempotency_keys k
 where k.user_id = $1::uuid
   and k.key = $2
   and k.owner = $7::uuid
   and $3::integer is null
