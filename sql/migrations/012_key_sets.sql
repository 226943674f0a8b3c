-- key_sets: keys that sign users' tokens, as they were last published.
create table gateway.key_sets (
	url text primary key,
	keys text not null,
	fetched_at timestamptz not null default now(),
	check (isfinite(fetched_at))
);

comment on table gateway.key_sets is 'Public keys of auth servers, so that a gateway can start while one is away.';
comment on column gateway.key_sets.url is 'Where they are published.';
comment on column gateway.key_sets.keys is 'The JSON Web Key Set as it was fetched.';
comment on column gateway.key_sets.fetched_at is 'By whichever gateway, last.';
