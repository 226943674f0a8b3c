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
	for name in
		select distinct r.rolname
		  from (
			select n.nspowner as owner, n.nspacl as acl
			  from pg_namespace n
			 where n.nspname = 'gateway'
			 union all
			select c.relowner, c.relacl
			  from pg_class c
			 where c.relnamespace = 'gateway'::regnamespace
			 union all
			select p.proowner, p.proacl
			  from pg_proc p
			 where p.pronamespace = 'gateway'::regnamespace) given
		 cross join lateral aclexplode(given.acl) a
		  join pg_roles r on r.oid = a.grantee
		 where a.grantee <> given.owner
		   and r.rolname <> 'flowpin'
	loop
		execute format('revoke all on schema gateway from %I', name);
		execute format('revoke all on all tables in schema gateway from %I', name);
		execute format('revoke all on all sequences in schema gateway from %I', name);
		execute format('revoke all on all functions in schema gateway from %I', name);
	end loop;
end
$$;
