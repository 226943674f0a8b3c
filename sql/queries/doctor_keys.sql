-- doctor_keys: sealed keys, to be opened with what seals them here.
-- :after  uuid     after this connection; null: the first
-- :limit  integer  at most so many
select s.id as connection_id, s.user_id, s.type, s.label, s.key_sealed, s.key_id,
       s.api_key, s.key_version, s.metadata, s.account_id, s.status, s.writeback,
       s.generation, s.is_other_account, 0 as rate_limited_ms
  from gateway.connection_state s
 where s.key_sealed is not null
   and (:after is null or s.id > :after)
 order by s.id
 limit :limit
