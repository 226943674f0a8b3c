-- connection_plain: connections whose key stands in integrations as it is; for sealing.
-- :after  uuid     after this one; null: the first
-- :limit  integer  at most so many
select i.id as connection_id, i.user_id, i.type::text as type, i.label, i.api_key
  from public.integrations i
 where coalesce(i.api_key, '') <> ''
   and (:after is null or i.id > :after)
 order by i.id
 limit :limit
