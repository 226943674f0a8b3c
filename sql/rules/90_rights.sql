-- Nobody but the owner and the gateway's role (gateway-role.sql) has a way in here,
-- whatever this project's default privileges give away.
revoke all on schema gateway from public;
revoke all on all tables in schema gateway from public;
revoke all on all sequences in schema gateway from public;
revoke all on all functions in schema gateway from public;
do $$
declare
	name text;
begin
	foreach name in array array['anon', 'authenticated', 'service_role',
		'authenticator'] loop
		if exists (select from pg_roles where rolname = name) then
			execute format('revoke all on schema gateway from %I', name);
			execute format('revoke all on all tables in schema gateway from %I', name);
			execute format('revoke all on all sequences in schema gateway from %I', name);
			execute format('revoke all on all functions in schema gateway from %I', name);
		end if;
	end loop;
end
$$;
