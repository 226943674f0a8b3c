-- What the gateway keeps of a connection: its sealed key and how polling goes.
alter table integrations
	add column if not exists key_sealed bytea,
	add column if not exists key_id text,
	add column if not exists status text not null default 'active'
		constraint integrations_status_check
		check (status in ('active', 'auth_failed', 'paused')),
	add column if not exists writeback boolean not null default true,
	add column if not exists account_id text,
	add column if not exists generation bigint not null default 0,
	add column if not exists next_poll_at timestamptz not null default now(),
	add column if not exists lease_until timestamptz,
	add column if not exists rate_limited_until timestamptz,
	add column if not exists failure_count integer not null default 0,
	add column if not exists last_error text,
	add column if not exists last_run_at timestamptz,
	add column if not exists last_complete_run_at timestamptz,
	add constraint integrations_key_check
		check ((key_sealed is null) = (key_id is null));

comment on column integrations.key_sealed is 'The provider key under AES-256-GCM, bound to this row; never in plain.';
comment on column integrations.key_id is 'Which master key sealed it.';
comment on column integrations.status is 'auth_failed: the provider refused the key, nothing is sent until it is replaced; paused: by the user.';
comment on column integrations.writeback is 'False: completions of its tasks stay in Flowpin.';
comment on column integrations.account_id is 'Who the provider says the key is.';
comment on column integrations.generation is 'Counts claims by pollers: what an older claim decides is refused.';
comment on column integrations.next_poll_at is 'When a poller may claim it next.';
comment on column integrations.lease_until is 'Until then the poller that claimed it owns it.';
comment on column integrations.rate_limited_until is 'The provider asked to wait until then; every process does.';
comment on column integrations.failure_count is 'Runs that failed since the last complete one.';
comment on column integrations.last_error is 'Why the last run failed, for its owner and operators.';
comment on column integrations.last_complete_run_at is 'When the last run began that saw the whole list.';

create index idx_integrations_due on integrations (next_poll_at)
	where key_sealed is not null;
