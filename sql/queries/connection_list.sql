-- connection_list: a user's connections, oldest first; never their keys.
-- :user_id        uuid  whose
-- :connection_id  uuid  only this one; null: all
select (select row_to_json(j)
	  from (select
		s.id,
		s.type,
		s.label,
		case when s.has_key then s.status else 'no_key' end as status,
		s.writeback,
		s.account_id,
		coalesce(c.failure_count, 0) as failure_count,
		c.last_error,
		gateway.time_text(c.last_run_at) as last_run_at,
		gateway.time_text(c.last_complete_run_at) as last_complete_run_at,
		gateway.time_text(c.next_poll_at) as next_poll_at,
		gateway.time_text(c.rate_limited_until) as rate_limited_until,
		gateway.time_text(s.created_at) as created_at) j) as connection
  from gateway.connection_state s
  left join gateway.connections c on c.id = s.id
 where s.user_id = :user_id
   and s.id = any (gateway.connections_of(:user_id))
   and (:connection_id is null or s.id = :connection_id)
 order by s.created_at, s.id
