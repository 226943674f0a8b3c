-- A moment that can be told to others: RFC 3339 has years of four digits, and past the
-- last ones of PostgreSQL microseconds are no bigint any more. Clients may write others.
create or replace function gateway.is_time(t timestamptz) returns boolean
language sql immutable parallel safe as $$
	select t >= timestamptz '0001-01-01 00:00:00+00'
	   and t < timestamptz '10000-01-01 00:00:00+00'
$$;

-- Times cross into the program as epoch microseconds, never as text to be parsed
-- again; null if it is no moment.
create or replace function gateway.us(t timestamptz) returns bigint
language sql stable parallel safe as $$
	select case when gateway.is_time(t)
		then (extract(epoch from t) * 1000000)::bigint end
$$;

create or replace function gateway.at(us bigint) returns timestamptz
language sql immutable parallel safe as $$
	-- in two steps: an interval is multiplied as a floating number
	select timestamptz 'epoch' + us / 1000000 * interval '1 second'
		+ us % 1000000 * interval '1 microsecond'
$$;

-- RFC 3339 in UTC, as every answer of the API has it; null if it is no moment.
create or replace function gateway.time_text(t timestamptz) returns text
language sql stable parallel safe as $$
	select case when gateway.is_time(t) then
		to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end
$$;
