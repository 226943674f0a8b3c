-- guard_count: what /metrics tells of guards, for each type and kind; healed is the same
-- in every row.
-- :types  text[]  providers
-- :kinds  text[]  kinds
select t.type, k.kind, count(g.connection_id) as guards,
       (select coalesce(sum(r.healed), 0) from gateway.poll_runs r
	 where r.healed > 0) as healed
  from unnest(:types) as t (type)
 cross join unnest(:kinds) as k (kind)
  left join (gateway.guards g
	join public.integrations i on i.id = g.connection_id)
    on i.type::text = t.type and g.kind = k.kind
 group by t.type, k.kind
 order by t.type, k.kind
