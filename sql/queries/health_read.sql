-- health_read: what /readyz and /metrics tell of the database's side.
-- :types  text[]  providers
select t.type,
       count(s.id) filter (where s.has_key) as connections,
       count(s.id) filter (where not s.has_key) as without_key,
       count(s.id) filter (where s.status = 'auth_failed') as auth_failed,
       count(s.id) filter (where s.has_key and c.failure_count > 0) as failing,
       extract(epoch from now() - max(c.last_complete_run_at))::bigint
		as last_complete_run_age_s
  from unnest(:types) as t (type)
  left join gateway.connection_state s on s.type = t.type
  left join gateway.connections c on c.id = s.id
 group by t.type
 order by t.type
