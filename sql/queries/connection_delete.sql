-- connection_delete: its inbox goes with it, its tasks stay with connection_id
-- null.
-- $1 user_id  $2 connection id
delete from integrations i
 where i.user_id = $1::uuid
   and i.id = $2::uuid
returning i.id
