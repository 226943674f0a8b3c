-- key_set_read: the keys that were last fetched from an address.
-- :url  text  where they are published
select k.keys,
       greatest(0, extract(epoch from now() - k.fetched_at) * 1000)::bigint as age_ms
  from gateway.key_sets k
 where k.url = :url
