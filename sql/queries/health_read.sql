-- health_read: what /readyz and /metrics tell of the database's side.
-- :types  text[]  of connections
select t.type,
       count(i.id) as connections,
       count(i.id) filter (where i.status = 'auth_failed') as auth_failed,
       count(i.id) filter (where i.failure_count > 0) as failing,
       extract(epoch from now() - max(i.last_complete_run_at))::bigint
		as last_complete_run_age_s
  from unnest(:types) as t (type)
  left join integrations i
    on i.type = t.type and i.key_sealed is not null
 group by t.type
 order by t.type
