-- A text as answers tell it: clients may write any length, and a list of many must
-- still fit into memory.
create or replace function gateway.told(value text) returns text
language sql immutable parallel safe as $$
	select case when octet_length(value) > 16384
		then left(value, 4096) || '…' else value end
$$;
