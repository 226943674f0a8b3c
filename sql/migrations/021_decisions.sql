-- decisions: what runs made of a task, and why; what `flowpinctl explain` tells.
-- A decision like the one before it is not written again.
create table decisions (
	user_id uuid not null,
	task_id uuid not null,
	run_id uuid not null,
	verdict text not null check (verdict in ('missing', 'occurrence',
		'returned')),
	action text not null check (action in ('none', 'complete', 'reopen',
		'missing', 'visible', 'renumber', 'held')),
	reason text,
	is_applied boolean not null,
	decided_at timestamptz not null default now(),
	primary key (user_id, task_id, run_id)
);
alter table decisions enable row level security;

comment on table decisions is 'What a run made of a task that its list spoke of.';
comment on column decisions.task_id is 'No foreign key: the story outlives a deleted task.';
comment on column decisions.verdict is 'What the list said: missing, another occurrence, or returned.';
comment on column decisions.reason is 'What the provider said of the item by id; no_answer: nothing.';
comment on column decisions.is_applied is 'False: there was nothing to do, or the task had changed meanwhile.';

create index idx_decisions_decided on decisions (decided_at);

alter table poll_runs
	add column guard text,
	add column held integer not null default 0,
	add column repeated integer not null default 0,
	add column healed integer not null default 0;

comment on column poll_runs.guard is 'What held marks in this run; null: nothing.';
comment on column poll_runs.held is 'Tasks without evidence while a guard held.';
comment on column poll_runs.repeated is 'Rows that came again while pages shifted.';
comment on column poll_runs.healed is 'Tasks reopened that had been completed only because their item could not be seen.';

create index idx_poll_runs_healed on poll_runs (healed) where healed > 0;

alter table integrations
	add column quiet_runs integer not null default 0;

comment on column integrations.quiet_runs is 'Complete runs in a row that found nothing new; many of them make it an idle one.';
