-- run_quiet: end runs that saw the list of a run that had nothing to do, over the same
-- tasks and the same inbox. Set-based: a commit shared by many.
-- :user_ids        uuid[]    whose
-- :connection_ids  uuid[]    the connections
-- :generations     bigint[]  of their claims
-- :t0s             bigint[]  epoch microseconds
-- :lists           text[]    SHA-256 of the lists
-- :patches         jsonb[]   what was learnt of the connections, or null
-- :next_poll_ms    bigint[]  poll again in so long
-- :pages           integer[]  read
-- :items           integer[]  listed
-- :repeated        integer[]  rows that came again
-- :idle_poll_ms    bigint    an idle one waits so long at most
-- :idle_after      integer   such runs until it is idle
-- A row for each that is ended. Of the others nothing is changed: there is, or may be,
-- something to do, another poller has it now, or it is gone.
with asked as materialized (
	select *
	  from unnest(:user_ids, :connection_ids, :generations, :t0s, :lists, :patches,
		:next_poll_ms, :pages, :items, :repeated)
		as a (user_id, id, generation, t0, list, patch, wait_ms, pages, items,
			repeated)
), known as materialized (
	-- first of all: what is to be seen costs something only of these
	select a.*, (
		select i.type::text
		  from public.integrations i
		 where i.id = c.id) as type
	  from asked a
	  join gateway.connections c
	    on c.id = a.id
	   and c.user_id = a.user_id
	 where c.generation = a.generation
	   and c.quiet_list = a.list
), own as materialized (
	select k.*
	  from known k
	  join gateway.connections c on c.id = k.id
	 where c.generation = k.generation
	   and c.quiet_list = k.list
	   and c.quiet_inbox = gateway.inbox_seen(k.user_id, k.id)
	   and c.quiet_tasks = gateway.tasks_seen(k.user_id, k.type, k.id)
	   and not exists (
		select from gateway.guards g
		 where g.user_id = k.user_id
		   and g.connection_id = k.id)
	 order by c.id
	   for no key update of c skip locked
), freed as (
	update gateway.connections c
	   set lease_until = null,
	       next_poll_at = gateway.poll_next(gateway.poll_wait_ms(o.wait_ms,
			:idle_poll_ms, c.idle_runs + 1, :idle_after), c.next_poll_at,
			gateway.at(o.t0), c.rate_limited_until),
	       idle_runs = least(c.idle_runs + 1, 1000000),
	       failure_count = 0,
	       last_error = null,
	       last_complete_run_at = gateway.at(o.t0),
	       metadata = c.metadata || coalesce(o.patch, '{}')
	  from own o
	 where c.id = o.id
), run as (
	insert into gateway.poll_runs (user_id, connection_id, generation, started_at,
		ended_at, outcome, pages, items, repeated)
	select o.user_id, o.id, o.generation, gateway.at(o.t0), clock_timestamp(),
	       'complete', o.pages, o.items, o.repeated
	  from own o
)
select id as connection_id from own
