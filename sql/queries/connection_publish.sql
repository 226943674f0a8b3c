-- connection_publish: what a client may want to know of what a poll learnt, merged into
-- Flowpin's own metadata; written only if it changed, because every open client rereads
-- all it has then.
-- :connection_id  uuid   which
-- :patch          jsonb  members to set
update public.integrations i
   set metadata = i.metadata || :patch
 where i.id = :connection_id
   and jsonb_typeof(i.metadata) = 'object'
   and i.metadata is distinct from i.metadata || :patch
returning i.id
