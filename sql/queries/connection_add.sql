-- connection_add: a new connection with its sealed key, polled at once.
-- :user_id     uuid   whose
-- :id          uuid   of the new connection
-- :type        text   its provider
-- :name        text
-- :key_sealed  bytea
-- :key_id      text   of the master key that sealed it
-- :metadata    jsonb
-- input: errors of class 22 are about what the caller sent
insert into integrations (user_id, id, type, name, key_sealed, key_id, metadata)
values (:user_id, :id, :type, :name, :key_sealed, :key_id, :metadata)
returning id
