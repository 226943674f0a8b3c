-- writebacks: one wish to make the provider agree with a local change, from the
-- commit that makes the change to its outcome.
create table writebacks (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	task_id uuid not null,
	connection_id uuid,
	by_fallback boolean not null default false,
	wish text not null check (wish in ('complete', 'uncomplete')),
	state text not null check (state in ('queued', 'sending',
		'accepted', 'skipped', 'superseded', 'rolled_back')),
	reason text,
	detail text,
	task_version bigint not null,
	before_status text not null,
	before_completed_at timestamptz,
	before_completed_by text,
	before_completion_reason text,
	source text not null,
	source_id text,
	source_metadata jsonb not null default '{}',
	generation bigint not null default 0,
	attempts integer not null default 0,
	due_at timestamptz,
	give_up_at timestamptz not null,
	created_at timestamptz not null default now(),
	settled_at timestamptz,
	primary key (user_id, id),
	check ((settled_at is null) = (state in ('queued', 'sending'))),
	check ((due_at is null) = (settled_at is not null))
) with (fillfactor = 85);
alter table writebacks enable row level security;

comment on table writebacks is 'One wish to make the provider agree with a local change.';
comment on column writebacks.id is 'Also the command id at providers that run a command once.';
comment on column writebacks.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column writebacks.by_fallback is 'The task named no connection; the user''s oldest of its source was taken.';
comment on column writebacks.state is 'queued and sending are open; the others are its outcome.';
comment on column writebacks.reason is 'Why it ended so, or why it waits.';
comment on column writebacks.detail is 'For operators: what was seen.';
comment on column writebacks.task_version is 'The task as the local change left it; another version means a newer change, which wins over a rollback.';
comment on column writebacks.before_status is 'With the other before_ columns: what a rollback restores.';
comment on column writebacks.source_metadata is 'The task''s, when the wish was made: the state before, the due date.';
comment on column writebacks.generation is 'Counts owners: a settle by an earlier one is refused.';
comment on column writebacks.attempts is 'Times an owner took it to send it.';
comment on column writebacks.due_at is 'When another owner may take it: the lease''s end while sending, the next attempt while queued.';
comment on column writebacks.give_up_at is 'An outcome still unknown then is rolled back.';

-- at most one call in flight per task
create unique index idx_writebacks_sending on writebacks (user_id, task_id)
	where state = 'sending';
create index idx_writebacks_due on writebacks (due_at)
	where settled_at is null;
create index idx_writebacks_task on writebacks (user_id, task_id, task_version);
create index idx_writebacks_settled on writebacks (settled_at)
	where settled_at is not null;
