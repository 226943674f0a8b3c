-- idempotency_keys: the first answer to a call, for its repetitions.
create table gateway.idempotency_keys (
	user_id uuid not null,
	key text not null check (length(key) between 1 and 255),
	fingerprint text not null,
	owner uuid not null,
	call_id uuid not null,
	status integer,
	content_type text,
	headers text,
	body text,
	locked_until timestamptz not null,
	created_at timestamptz not null default now(),
	primary key (user_id, key),
	check (isfinite(locked_until))
);

comment on table gateway.idempotency_keys is 'Calls made with an Idempotency-Key, and the answer they got.';
comment on column gateway.idempotency_keys.fingerprint is 'SHA-256 of method, path, query and body: another request under the same key is refused.';
comment on column gateway.idempotency_keys.owner is 'The call that runs under the key, or ran: one that took longer than its lock must not answer for the call that took the key over.';
comment on column gateway.idempotency_keys.call_id is 'What the call makes has this id, whoever runs it: one that takes the key over finds what is there already.';
comment on column gateway.idempotency_keys.status is 'HTTP status of the first answer; null while it runs.';
comment on column gateway.idempotency_keys.locked_until is 'While it runs: until then a repetition is told to wait; past it the process that had it is gone.';

create index idempotency_keys_created on gateway.idempotency_keys (created_at);
