-- guard_count: what /metrics tells of guards, for each type and kind; healed is
-- the same in every row.
-- :types  text[]  of connections
-- :kinds  text[]  of guards
select t.type, k.kind, count(g.connection_id) as guards,
       (select coalesce(sum(r.healed), 0) from poll_runs r where r.healed > 0)
		as healed
  from unnest(:types) as t (type)
 cross join unnest(:kinds) as k (kind)
  left join (guards g
	join integrations i on i.user_id = g.user_id
		and i.id = g.connection_id)
    on i.type = t.type and g.kind = k.kind
 group by t.type, k.kind
 order by t.type, k.kind
