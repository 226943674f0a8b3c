-- key_set_write: keep what was just fetched.
-- :url   text  where they are published
-- :keys  text  the key set
insert into gateway.key_sets as k (url, keys)
values (:url, :keys)
on conflict (url) do update
   set keys = excluded.keys, fetched_at = now()
