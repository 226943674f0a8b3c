-- idempotency_keys: the first answer to a call, for its repetitions.
create table idempotency_keys (
	user_id uuid not null,
	key text not null check (length(key) between 1 and 255),
	fingerprint text not null,
	status integer,
	content_type text,
	headers text,
	body text,
	locked_until timestamptz not null,
	created_at timestamptz not null default now(),
	primary key (user_id, key)
);
alter table idempotency_keys enable row level security;

comment on table idempotency_keys is 'Calls made with an Idempotency-Key, and the answer they got.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of method, path and body: another request under the same key is refused.';
comment on column idempotency_keys.status is 'HTTP status of the first answer; null while it runs.';
comment on column idempotency_keys.locked_until is 'While it runs: until then a repetition is told to wait; past it the process that had it is gone.';

create index idx_idempotency_keys_created on idempotency_keys (created_at);
