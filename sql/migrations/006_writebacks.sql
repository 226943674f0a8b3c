-- writebacks: one wish to make the provider agree with a local change, from the
-- commit that makes the change to its outcome.
create table gateway.writebacks (
	user_id uuid not null,
	id uuid not null default gen_random_uuid(),
	task_id uuid not null,
	connection_id uuid,
	by_fallback boolean not null default false,
	wish text not null check (wish in ('complete', 'uncomplete')),
	origin text not null check (origin in ('call', 'row', 'found')),
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
	is_unclear boolean not null default false,
	doubt_until timestamptz,
	target text,
	due_read text,
	due_at timestamptz,
	created_at timestamptz not null default now(),
	settled_at timestamptz,
	primary key (user_id, id),
	check ((settled_at is null) = (state in ('queued', 'sending'))),
	check ((due_at is null) = (settled_at is not null)),
	check (settled_at is not null or source_id is not null),
	check (jsonb_typeof(source_metadata) = 'object'),
	check (generation between 0 and 1000000000000000),
	check (attempts between 0 and 1000000000),
	check (isfinite(due_at)),
	check (isfinite(doubt_until)),
	check (isfinite(created_at)),
	check (isfinite(settled_at))
) with (fillfactor = 85);

comment on table gateway.writebacks is 'One wish to make the provider agree with a local change.';
comment on column gateway.writebacks.id is 'Also the command id at providers that run a command once.';
comment on column gateway.writebacks.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column gateway.writebacks.by_fallback is 'The task named no connection; the user''s oldest one of its source with a key was taken.';
comment on column gateway.writebacks.origin is 'Where the wish came from: a call; row: a client or a person changed the row; found: a run or a pass found the row changed.';
comment on column gateway.writebacks.state is 'queued and sending are open; the others are its outcome.';
comment on column gateway.writebacks.reason is 'Why it ended so, or why it waits.';
comment on column gateway.writebacks.detail is 'For operators: what was seen.';
comment on column gateway.writebacks.task_version is 'The link''s version after the local change; another one means a newer change, which wins over a rollback.';
comment on column gateway.writebacks.before_status is 'With the other before_ columns: what a rollback restores.';
comment on column gateway.writebacks.source_metadata is 'The link''s metadata when the wish was made: the state before, the due date.';
comment on column gateway.writebacks.generation is 'Counts owners: a settle by an earlier one is refused.';
comment on column gateway.writebacks.attempts is 'Times an owner took it to send it.';
comment on column gateway.writebacks.is_unclear is 'A send may have had its effect: the item is read before anything else is done.';
comment on column gateway.writebacks.doubt_until is 'So long the provider may still be working on a send that it did not answer: an item that is read before as it was proves nothing, and later wishes wait.';
comment on column gateway.writebacks.target is 'The write that was sent, or was about to be, where the item alone does not tell afterwards; null: none such.';
comment on column gateway.writebacks.due_read is 'The occurrence''s due date as read right before that write.';
comment on column gateway.writebacks.due_at is 'When another owner may take it: the lease''s end while sending, the next attempt while queued.';

-- at most one call in flight per task
create unique index writebacks_sending on gateway.writebacks (user_id, task_id)
	where state = 'sending';
create index writebacks_due on gateway.writebacks (due_at)
	where settled_at is null;
create index writebacks_task on gateway.writebacks (user_id, task_id, task_version);
create index writebacks_open on gateway.writebacks (user_id)
	where settled_at is null;
create index writebacks_user_settled on gateway.writebacks (user_id, settled_at)
	where settled_at is not null;
create index writebacks_settled on gateway.writebacks (settled_at)
	where settled_at is not null;
