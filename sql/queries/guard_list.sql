-- guard_list: every guard that holds now, the oldest first; for operators.
select g.connection_id, g.user_id, i.type, g.kind, g.held,
       flowpin_time(g.raised_at) as raised_at,
       g.approved_at is not null as is_approved
  from guards g
  join integrations i on i.user_id = g.user_id and i.id = g.connection_id
 order by g.raised_at, g.connection_id
