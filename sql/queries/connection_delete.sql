-- connection_delete: what the gateway keeps of it goes with it, its tasks stay with
-- connection_id null.
-- :user_id        uuid  whose
-- :connection_id  uuid  which
delete from public.integrations i
 where i.user_id = :user_id
   and i.id = :connection_id
returning i.id
