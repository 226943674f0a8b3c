-- Which call runs under a key: one that took longer than its lock must not answer
-- for the call that took the key over.
alter table idempotency_keys
	add column if not exists owner uuid;

comment on column idempotency_keys.owner is 'The call that runs under the key, or ran.';
