-- integrations: one user's credential for one provider, as Flowpin's own
-- schema has it. A project that already has the table keeps its rows and gets
-- only the columns that it lacks.
do $$
begin
	if to_regclass('integrations') is null then
		create table integrations (
			id uuid primary key default gen_random_uuid(),
			user_id uuid not null,
			type text not null
				check (type in ('todoist', 'linear', 'attio')),
			name text not null default ''
		);
		-- no policy: only the owner, which is the gateway, reads it
		alter table integrations enable row level security;
	end if;
end
$$;

alter table integrations
	add column if not exists name text not null default '',
	add column if not exists metadata jsonb not null default '{}',
	add column if not exists created_at timestamptz not null default now(),
	add column if not exists updated_at timestamptz not null default now();

comment on table integrations is 'One user''s credential for one provider (a connection).';
comment on column integrations.type is 'The provider: todoist, linear or attio.';
comment on column integrations.metadata is 'What polls learn of it; for Linear teamDoneStates: team id to state id.';

-- the fallback of a task that names no connection: the user's oldest of a type
create index if not exists idx_integrations_user_type
	on integrations (user_id, type, created_at);
