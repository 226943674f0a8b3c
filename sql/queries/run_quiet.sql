-- run_quiet: end the runs that saw what an earlier one had nothing to do about: the
-- same list, over the same tasks and the same inbox.
-- :user_ids        uuid[]         whose
-- :connection_ids  uuid[]
-- :generations     bigint[]       the claims'
-- :t0s             timestamptz[]  when the runs began
-- :digests         text[]         SHA-256 of its list
-- :patches         jsonb[]        of metadata, or null
-- :next_polls_ms   bigint[]       until the next poll
-- :pages           integer[]      a count
-- :items           integer[]      a count
-- :repeated        integer[]      rows that came again
-- :idle_poll_ms    bigint         longest wait of an idle connection
-- :quiet_runs      integer        so many until it is idle
-- A row for each that is ended. Of the others nothing is changed: there is, or may
-- be, something to do, another poller has it now, or it is gone.
with asked as materialized (
	select *
	  from unnest(:user_ids, :connection_ids, :generations, :t0s,
		:digests, :patches, :next_polls_ms, :pages,
		:items, :repeated)
		as a (user_id, id, generation, t0, list, patch, wait_ms, pages,
			items, repeated)
), known as materialized (
	-- first of all: what is to be seen costs something only of these
	select a.*, i as connection
	  from asked a
	  join integrations i
	    on i.user_id = a.user_id
	   and i.id = a.id
	 where i.generation = a.generation
	   and i.quiet_list = a.list
), own as materialized (
	select k.*
	  from known k
	  join integrations i on i.id = k.id
	 where i.generation = k.generation
	   and i.quiet_list = k.list
	   and i.quiet_inbox = flowpin_inbox_seen(k.connection)
	   and i.quiet_tasks = flowpin_tasks_seen(k.connection)
	   and not exists (
		select from guards g
		 where g.user_id = i.user_id
		   and g.connection_id = i.id)
	 order by i.id
	   for no key update of i skip locked
), freed as (
	update integrations i
	   set lease_until = null,
	       -- past t0 it was asked for while this run was under way
	       next_poll_at = greatest(i.rate_limited_until,
			least(now() + flowpin_poll_wait(o.wait_ms, :idle_poll_ms,
					i.quiet_runs + 1, :quiet_runs)
				* interval '1 ms',
				case when i.next_poll_at > o.t0
					then i.next_poll_at end)),
	       quiet_runs = i.quiet_runs + 1,
	       failure_count = 0,
	       last_error = null,
	       last_complete_run_at = o.t0,
	       metadata = coalesce(i.metadata, '{}') || coalesce(o.patch, '{}')
	  from own o
	 where i.id = o.id
), run as (
	insert into poll_runs (user_id, connection_id, generation, started_at,
		ended_at, outcome, pages, items, repeated)
	select o.user_id, o.id, o.generation, o.t0, clock_timestamp(),
	       'complete', o.pages, o.items, o.repeated
	  from own o
)
select id as connection_id from own
