-- connection_add: a new connection with its sealed key, polled at once.
-- $1 user_id  $2 connection id  $3 type  $4 name  $5 sealed key  $6 key id
-- $7 metadata
insert into integrations (user_id, id, type, name, key_sealed, key_id, metadata)
values ($1::uuid, $2::uuid, $3, $4, $5::bytea, $6, $7::jsonb)
returning id
