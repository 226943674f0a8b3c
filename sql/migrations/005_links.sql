-- links: what the gateway keeps of a task that stands for an item. Made by the trigger
-- on tasks, by the first wish or by the next run, whichever comes first; deleted with
-- its task by the trigger, or later by a pass.
create table gateway.links (
	task_id uuid primary key,
	user_id uuid not null,
	source text not null,
	source_id text not null,
	source_url text,
	version bigint not null default 1,
	status text not null,
	completed_by text check (completed_by in ('user', 'absence', 'webhook')),
	completion_reason text,
	metadata jsonb not null default '{}',
	due_since timestamptz,
	account_id text,
	contradicted_since timestamptz,
	asks integer not null default 0,
	ask_after timestamptz,
	seen_at timestamptz,
	missing_since timestamptz,
	linked_at timestamptz not null default clock_timestamp(),
	changed_at timestamptz not null default clock_timestamp(),
	check (version between 0 and 1000000000000000),
	check (jsonb_typeof(metadata) = 'object'),
	check (isfinite(due_since)),
	check (isfinite(seen_at)),
	check (isfinite(missing_since)),
	check (isfinite(contradicted_since)),
	check (asks between 0 and 1000000000),
	check (isfinite(ask_after)),
	check (isfinite(linked_at)),
	check (isfinite(changed_at))
) with (fillfactor = 85);

comment on table gateway.links is 'What the gateway keeps of a task that stands for an item.';
comment on column gateway.links.task_id is 'The row of public.tasks. No foreign key: the trigger makes a link just before the task is inserted.';
comment on column gateway.links.source_id is 'The item that it is about: a task that a client gives to another item gets a new link.';
comment on column gateway.links.source_url is 'Where a person opens the item.';
comment on column gateway.links.version is 'Counts changes of what completion is about; a rollback holds only for the version it was made for.';
comment on column gateway.links.status is 'The task''s status that the gateway last took note of. A task with another one is a wish that was not noticed yet.';
comment on column gateway.links.completed_by is 'user: here; absence: found finished at the provider; webhook is reserved.';
comment on column gateway.links.completion_reason is 'What the provider said of the item: completed, canceled, deleted, ...';
comment on column gateway.links.metadata is 'What a later write needs, as the item was last seen: Linear team and state, due date, recurrence.';
comment on column gateway.links.due_since is 'Since when the due date is the one that stands there, as far as the gateway saw; null: since the link is there.';
comment on column gateway.links.account_id is 'The account whose list showed the item last, as its provider names it: it may speak of the item, through whichever connection. Null: none did, as far as known.';
comment on column gateway.links.contradicted_since is 't0 of the first complete run that showed the item as it was before our last write.';
comment on column gateway.links.seen_at is 'When it was imported, or t0 of the run that last found it changed; null: no list or import ever told how it stands, or what they told holds no longer.';
comment on column gateway.links.missing_since is 't0 of the first complete run that did not list the item and could not see it by id.';
comment on column gateway.links.asks is 'How often runs asked for the item by id and left its task as it was, since a list last showed it.';
comment on column gateway.links.ask_after is 'Not before then again: what stays as it is is asked for ever more seldom.';
comment on column gateway.links.linked_at is 'By the database''s clock: a list older than this says nothing of it.';
comment on column gateway.links.changed_at is 'When its version was last counted up, by the database''s clock.';

create index links_user on gateway.links (user_id, source);
