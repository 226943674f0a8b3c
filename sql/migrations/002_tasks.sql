-- tasks: Flowpin's own table. On a project that already has it, only columns
-- that are missing are added and no row is rewritten, with one exception: where
-- there was no status, what has a completion time must not come back to life.
do $$
declare
	lacks_status boolean;
begin
	if to_regclass('tasks') is null then
		create table tasks (
			id uuid primary key default gen_random_uuid(),
			user_id uuid not null,
			title text not null,
			source text not null default 'manual' check
				(source in ('manual', 'todoist', 'linear', 'attio')),
			source_id text,
			source_url text,
			status text not null default 'active'
				check (status in ('active', 'completed', 'archived')),
			completed_at timestamptz
		);
		alter table tasks enable row level security;
	end if;
	select not exists (
		select from pg_attribute
		 where attrelid = 'tasks'::regclass
		   and attname = 'status' and not attisdropped)
	  into lacks_status;
	alter table tasks
		add column if not exists source text not null default 'manual',
		add column if not exists source_id text,
		add column if not exists source_url text,
		add column if not exists status text not null default 'active',
		add column if not exists completed_at timestamptz,
		add column if not exists created_at timestamptz not null default now(),
		add column if not exists updated_at timestamptz not null default now();
	if lacks_status then
		execute 'update tasks set status = ''completed'' where completed_at is not null';
	end if;
end
$$;

comment on table tasks is 'What a user has to do in Flowpin; imported ones name their item.';
comment on column tasks.source is 'manual, todoist, linear or attio.';
comment on column tasks.source_id is 'The item''s id at its provider.';
comment on column tasks.source_url is 'Where a person opens the item.';
comment on column tasks.status is 'active, completed or archived.';
