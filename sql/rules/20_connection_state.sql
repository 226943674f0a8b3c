-- Could a text be a provider's key? What no request can carry, or is longer than any, is
-- none.
create or replace function gateway.is_key(text text) returns boolean
language sql immutable parallel safe as $$
	select octet_length(text) between 1 and 4096 and text ~* '^(bearer )?[!-~]+$'
$$;

-- A connection as everything in the gateway sees it: Flowpin's row and what the gateway
-- keeps of it. A row of integrations that the gateway took no note of yet reads as one
-- that is new. What the gateway learnt wins over what a client wrote into metadata. Its
-- metadata beyond all measure is not looked at.
create or replace view gateway.connection_state as
select i.id, i.user_id, i.type::text as type, gateway.told(i.label) as label,
       i.created_at,
       coalesce(i.is_active, true) as is_active,
       c.key_sealed, c.key_id,
       case when c.key_sealed is null and gateway.is_key(i.api_key)
	    then i.api_key end as api_key,
       c.key_sealed is not null or coalesce(gateway.is_key(i.api_key), false)
		as has_key,
       coalesce(c.key_version, 1) as key_version,
       case when coalesce(i.is_active, true) then coalesce(c.status, 'active')
	    else 'paused' end as status,
       coalesce(c.writeback, true) as writeback,
       c.account_id,
       case when jsonb_typeof(i.metadata) = 'object'
		and pg_column_size(i.metadata) <= 65536 then i.metadata
	    else '{}' end || coalesce(c.metadata, '{}') as metadata,
       coalesce(c.generation, 0) as generation,
       c.rate_limited_until,
       exists (
		select from gateway.guards g
		 where g.connection_id = i.id
		   and g.kind = 'account_changed') as is_other_account
  from public.integrations i
  left join gateway.connections c
    on c.id = i.id
   and c.user_id = i.user_id;
comment on view gateway.connection_state is 'A connection: Flowpin''s row, and what the gateway keeps of it.';

-- Do clients know how each team's issues are completed, as far as the gateway does? Runs
-- learn that, and writes; clients rewrite their row's metadata whole, and may have chosen
-- another state: which one is theirs to say.
create or replace function gateway.is_told(known jsonb, told jsonb) returns boolean
language sql immutable parallel safe as $$
	select case when jsonb_typeof(known -> 'teamDoneStates') = 'object'
		then coalesce(jsonb_typeof(told -> 'teamDoneStates') = 'object'
			and (told -> 'teamDoneStates') ?& array(select
				jsonb_object_keys(known -> 'teamDoneStates')), false)
		else true end
$$;

-- What a delivery or a run has to know of its connection, by the names under which
-- connection_from_row() reads it.
create or replace view gateway.connection_use as
select s.user_id as owner_id, s.id as connection_id, s.type, s.label, s.key_sealed,
       s.key_id, s.api_key, s.key_version, s.metadata, s.account_id, s.status,
       s.writeback, s.generation, s.is_other_account,
       greatest(extract(epoch from s.rate_limited_until - now()) * 1000,
		0)::bigint as rate_limited_ms,
       s.has_key
  from gateway.connection_state s;
comment on view gateway.connection_use is 'A connection, as deliveries and runs use it.';

-- May a run of it begin? asked: by somebody who names it, due or not.
create or replace function gateway.is_due(c gateway.connections, asked boolean)
	returns boolean
language sql stable parallel safe as $$
	select c.next_poll_at <= case when asked then 'infinity' else now() end
	   and (c.lease_until is null or c.lease_until <= now())
	   and (c.rate_limited_until is null or c.rate_limited_until <= now())
$$;

-- How long a connection is limited now that a provider asked for limit_ms (0: it did
-- not). The longest stands, from whatever call it came.
create or replace function gateway.limit_until(until timestamptz, limit_ms bigint)
	returns timestamptz
language sql stable parallel safe as $$
	select case when limit_ms > 0
		then greatest(until, now() + limit_ms * interval '1 ms')
		else until end
$$;

-- A user's connections, as far as they were taken note of. Flowpin's integrations have no
-- index by user: whoever looks for a user's says that their id is one of these, or reads
-- all there are.
create or replace function gateway.connections_of(user_id uuid) returns uuid[]
language sql stable parallel safe as $$
	select array(select k.id from gateway.connections k where k.user_id = $1)
$$;

-- Which connection a task belongs to, in both directions: the one that it names; if it
-- names none, the user's oldest one of its source that has a key: first of the account
-- that showed its item, and those last whose key was refused.
create or replace function gateway.connection_for(user_id uuid, source text,
	connection_id uuid, account_id text) returns setof gateway.connection_state
language sql stable parallel safe as $$
	select c.*
	  from gateway.connection_state c
	 where c.user_id = $1
	   and c.id = any (gateway.connections_of($1))
	   and c.type = $2
	   and case when $3 is null then c.has_key else c.id = $3 end
	 order by coalesce(c.account_id = $4, false) desc, c.status = 'auth_failed',
		c.created_at, c.id
	 limit 1
$$;

-- The same rule from a connection's side. is_fallback: it is the user's oldest one of its
-- source that has a key. account_id: its account, if it is the oldest of that. accounts:
-- for which there is such a connection.
do $$
begin
	if to_regtype('gateway.ownership') is null then
		create type gateway.ownership as (
			is_fallback boolean,
			account_id text,
			accounts text[]
		);
	end if;
end
$$;

create or replace function gateway.ownership(user_id uuid, source text,
	connection_id uuid) returns gateway.ownership
language sql stable parallel safe as $$
	select row(coalesce(bool_or(c.id = $3 and c.nth = 1), false),
		max(c.account_id) filter (where c.id = $3 and c.nth_of_account = 1),
		array_agg(distinct c.account_id)
			filter (where c.account_id is not null))::gateway.ownership
	  from (select s.id, s.account_id,
		       row_number() over (order by s.status = 'auth_failed',
			s.created_at, s.id) as nth,
		       row_number() over (partition by s.account_id
			order by s.status = 'auth_failed', s.created_at, s.id)
			as nth_of_account
		  from gateway.connection_state s
		 where s.user_id = $1
		   and s.id = any (gateway.connections_of($1))
		   and s.type = $2
		   and s.has_key) c
$$;

-- Does a task that names task_connection, and whose item account_id showed, belong to it?
create or replace function gateway.is_own(task_connection uuid, account_id text,
	connection_id uuid, own gateway.ownership) returns boolean
language sql immutable parallel safe as $$
	select case when task_connection is not null then task_connection = connection_id
		    when account_id = any ((own).accounts)
			then coalesce(account_id = (own).account_id, false)
		    else (own).is_fallback end
$$;

-- Is it a guess that account_id has a task's item, which shown_to's list showed? What that
-- account does not see proves nothing then. Where either is not known, the task's own word
-- counts: whether it names a connection.
create or replace function gateway.is_guess(shown_to text, account_id text,
	names_none boolean) returns boolean
language sql immutable parallel safe as $$
	select coalesce(shown_to <> account_id, names_none)
$$;

-- What becomes of a wish: it is sent, or skipped for the reason that is returned.
create or replace function gateway.wish_route(source text, source_id text,
	c gateway.connection_state) returns text
language sql immutable parallel safe as $$
	select case when source = 'manual' or source_id is null then 'manual'
		    when (c).id is null then 'no_connection'
		    when not (c).has_key then 'no_key'
		    when not (c).is_active then 'paused'
		    when not (c).writeback then 'writeback_off'
		    else 'send' end
$$;

-- When to poll again: past so many idle runs the wait doubles with each, up to the
-- longest.
create or replace function gateway.poll_wait_ms(wait_ms bigint, longest_ms bigint,
	idle_runs integer, idle_after integer) returns bigint
language sql immutable parallel safe as $$
	select least(greatest(wait_ms, longest_ms), wait_ms
		* power(2, greatest(0, least(30, idle_runs - idle_after)))::bigint)
$$;

-- The moment of the next poll. One that was asked for while the run was under way (next
-- is past t0) comes no later than that; a rate limit comes before everything.
create or replace function gateway.poll_next(wait_ms bigint, asked timestamptz,
	t0 timestamptz, rate_limited_until timestamptz) returns timestamptz
language sql stable parallel safe as $$
	select greatest(rate_limited_until, least(now() + wait_ms * interval '1 ms',
		case when asked > t0 then asked end))
$$;
