-- guard_list: every guard that holds now, the oldest first; for operators.
select g.connection_id, g.user_id, i.type::text as type, g.kind, g.held,
       gateway.time_text(g.raised_at) as raised_at,
       g.approved_at is not null as is_approved
  from gateway.guards g
  join public.integrations i on i.id = g.connection_id
 order by g.raised_at, g.connection_id
