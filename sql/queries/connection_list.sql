-- connection_list: a user's connections, oldest first; never their keys.
-- :user_id        uuid  whose
-- :connection_id  uuid  only this one; null: all
select (select row_to_json(j)
	  from (select
		i.id,
		i.type,
		i.name,
		case when i.key_sealed is null then 'no_key'
			else i.status end as status,
		i.writeback,
		i.account_id,
		i.failure_count,
		i.last_error,
		flowpin_time(i.last_run_at) as last_run_at,
		flowpin_time(i.last_complete_run_at) as last_complete_run_at,
		flowpin_time(i.next_poll_at) as next_poll_at,
		flowpin_time(i.rate_limited_until) as rate_limited_until,
		flowpin_time(i.created_at) as created_at) j) as connection
  from integrations i
 where i.user_id = :user_id
   and (:connection_id is null or i.id = :connection_id)
 order by i.created_at, i.id
