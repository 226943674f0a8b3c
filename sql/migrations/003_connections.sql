-- A connection that is deleted and made again under its id must not count from where it
-- began: who still works for the one before would pass for an owner of this one. In
-- milliseconds, because nobody counts faster.
create function gateway.first_number() returns bigint
language sql volatile parallel safe as $$
	select (extract(epoch from clock_timestamp()) * 1000)::bigint
$$;

-- connections: what the gateway keeps of a row of Flowpin's integrations. Polls write
-- here, so that no client hears of them. A row that is missing is made by the trigger
-- on integrations or by the next pass.
create table gateway.connections (
	id uuid primary key references public.integrations
		on delete cascade on update cascade,
	user_id uuid not null,
	key_sealed bytea,
	key_id text,
	key_version bigint not null default gateway.first_number(),
	api_key_digest bytea,
	status text not null default 'active'
		check (status in ('active', 'auth_failed')),
	writeback boolean not null default true,
	account_id text,
	metadata jsonb not null default '{}'
		check (jsonb_typeof(metadata) = 'object'),
	generation bigint not null default gateway.first_number(),
	next_poll_at timestamptz not null default now(),
	lease_until timestamptz,
	rate_limited_until timestamptz,
	failure_count integer not null default 0,
	last_error text,
	last_run_at timestamptz,
	last_complete_run_at timestamptz,
	idle_runs integer not null default 0,
	quiet_list text,
	quiet_tasks bigint,
	quiet_inbox bigint,
	check ((key_sealed is null) = (key_id is null)),
	-- what a counter or a time could not be counted on from is refused here, so
	-- that no statement over many rows meets it
	check (generation between 0 and 1000000000000000),
	check (key_version between 0 and 1000000000000000),
	check (failure_count between 0 and 1000000000),
	check (idle_runs between 0 and 1000000000),
	check (isfinite(next_poll_at)),
	check (isfinite(lease_until)),
	check (isfinite(rate_limited_until)),
	check (isfinite(last_run_at)),
	check (isfinite(last_complete_run_at))
	-- room for a row that is rewritten all the time to stay on its page
) with (fillfactor = 70);

comment on table gateway.connections is 'What the gateway keeps of one user''s credential for one provider.';
comment on column gateway.connections.id is 'The row of public.integrations.';
comment on column gateway.connections.key_sealed is 'The provider key under AES-256-GCM, bound to this row. If it is null, integrations.api_key is used as it stands.';
comment on column gateway.connections.key_id is 'Which master key sealed it.';
comment on column gateway.connections.key_version is 'Counts the keys it has had: a refusal of an older one does not concern the present one.';
comment on column gateway.connections.api_key_digest is 'SHA-256 of integrations.api_key when the gateway last took note of it: another one is a replaced key.';
comment on column gateway.connections.status is 'auth_failed: the provider refused the key, nothing is sent until it is replaced. Whether it is paused stands in integrations.is_active.';
comment on column gateway.connections.writeback is 'False: completions of its tasks stay in Flowpin.';
comment on column gateway.connections.account_id is 'Who the provider says the key is.';
comment on column gateway.connections.metadata is 'What polls learnt of it and writes rely on; for Linear teamDoneStates: team id to state id.';
comment on column gateway.connections.generation is 'Counts claims by pollers: what an older claim decides is refused.';
comment on column gateway.connections.next_poll_at is 'When a poller may claim it next.';
comment on column gateway.connections.lease_until is 'Until then the poller that claimed it owns it.';
comment on column gateway.connections.rate_limited_until is 'The provider asked to wait until then; every process does.';
comment on column gateway.connections.failure_count is 'Runs that failed since the last complete one.';
comment on column gateway.connections.last_error is 'Why the last run failed, for its owner and operators.';
comment on column gateway.connections.last_complete_run_at is 't0 of the last run that saw the whole list.';
comment on column gateway.connections.idle_runs is 'Complete runs in a row that found nothing new; many of them make the interval longer.';
comment on column gateway.connections.quiet_list is 'SHA-256 of the last whole list that gave a run nothing to do; null: none did, or not for certain.';
comment on column gateway.connections.quiet_tasks is 'gateway.tasks_seen when that run judged.';
comment on column gateway.connections.quiet_inbox is 'gateway.inbox_seen when that run ended.';

create index connections_due on gateway.connections (next_poll_at);
create index connections_user on gateway.connections (user_id);
