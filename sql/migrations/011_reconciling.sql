-- Where the passes' search for changes that no trigger noticed stands: it looks at a
-- bounded number of links at a time.
create table gateway.reconciling (
	is_only boolean primary key default true check (is_only),
	after_task_id uuid not null default '00000000-0000-0000-0000-000000000000'
);
insert into gateway.reconciling default values;
comment on table gateway.reconciling is 'One row: the last task that passes looked at in search of changes that no trigger noticed.';
