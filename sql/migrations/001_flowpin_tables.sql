-- Flowpin's own tables, where they do not exist: a database of the gateway's own, as
-- `make run` and the tests have it. In Flowpin's shape: its enums, its unique key, its
-- columns. A project that has them keeps them exactly as they are: one block, because
-- either all of it is made or nothing.
do $$
declare
	made record;
begin
	if to_regclass('public.integrations') is not null
	   and to_regclass('public.tasks') is not null then
		return;
	end if;
	for made in
		select *
		  from (values ('section_type', '''today'', ''sooner'', ''later'''),
			('task_source', '''manual'', ''linear'', ''attio'', ''todoist'''),
			('task_status', '''active'', ''completed'', ''archived'''),
			('integration_type', '''linear'', ''attio'', ''todoist'''),
			('today_lane_type', '''now'', ''next''')) as v (name, words)
	loop
		if to_regtype('public.' || made.name) is null then
			execute format('create type public.%I as enum (%s)',
				made.name, made.words);
		end if;
	end loop;
	create table if not exists public.buckets (
		id uuid primary key default gen_random_uuid(),
		user_id uuid not null,
		name text not null,
		position integer not null default 0,
		is_default boolean not null default false,
		created_at timestamptz not null default now(),
		updated_at timestamptz not null default now()
	);
	create table if not exists public.integrations (
		id uuid primary key default gen_random_uuid(),
		user_id uuid not null,
		type public.integration_type not null,
		api_key text,
		label text,
		metadata jsonb not null default '{}',
		is_active boolean not null default true,
		last_synced_at timestamptz,
		default_bucket_id uuid references public.buckets on delete set null,
		default_section public.section_type default 'sooner',
		auto_import boolean default false,
		created_at timestamptz not null default now(),
		updated_at timestamptz not null default now()
	);
	create table if not exists public.tasks (
		id uuid primary key default gen_random_uuid(),
		user_id uuid not null,
		title text not null,
		description text,
		source_description text,
		source_metadata jsonb,
		status public.task_status not null default 'active',
		source public.task_source not null default 'manual',
		source_id text,
		bucket_id uuid references public.buckets on delete set null,
		section public.section_type not null default 'sooner',
		today_lane public.today_lane_type,
		estimate_minutes integer,
		waiting_for_reason text,
		position integer not null default 0,
		created_at timestamptz not null default now(),
		updated_at timestamptz not null default now(),
		completed_at timestamptz,
		unique (user_id, source, source_id)
	);
	-- no policy: only the owner and the gateway's role read them
	alter table public.buckets enable row level security;
	alter table public.integrations enable row level security;
	alter table public.tasks enable row level security;
	create or replace function public.update_updated_at() returns trigger
	language plpgsql as $f$
	begin
		new.updated_at = now();
		return new;
	end
	$f$;
	create or replace trigger set_updated_at before update on public.tasks
		for each row execute function public.update_updated_at();
	create or replace trigger set_updated_at before update on public.integrations
		for each row execute function public.update_updated_at();
	create or replace trigger set_updated_at before update on public.buckets
		for each row execute function public.update_updated_at();
end
$$;
