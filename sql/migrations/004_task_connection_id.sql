-- Which connection a task came through. Existing tasks keep null and belong to the
-- user's oldest connection of their source that has a key (gateway.connection_for).
-- No row is rewritten: the column has no default.
do $$
begin
	if not exists (
		select from pg_attribute
		 where attrelid = 'public.tasks'::regclass
		   and attname = 'connection_id' and not attisdropped) then
		alter table public.tasks
			add column connection_id uuid
				references public.integrations
				on delete set null on update cascade;
		comment on column public.tasks.connection_id is
			'The connection it was imported through; null: made by hand, or imported before connections were kept.';
		insert into gateway.additions values ('tasks.connection_id');
	end if;
	if to_regclass('public.idx_tasks_connection_id') is null then
		create index idx_tasks_connection_id
			on public.tasks (connection_id) where connection_id is not null;
		insert into gateway.additions values ('idx_tasks_connection_id');
	end if;
end
$$;
