-- connection_list: a user's connections, oldest first; never their keys.
-- $1 user_id  $2 connection id, or null for all
select json_build_object(
		'id', i.id,
		'type', i.type,
		'name', i.name,
		'status', case when i.key_sealed is null then 'no_key'
			else i.status end,
		'writeback', i.writeback,
		'account_id', i.account_id,
		'failure_count', i.failure_count,
		'last_error', i.last_error,
		'last_run_at', flowpin_time(i.last_run_at),
		'last_complete_run_at', flowpin_time(i.last_complete_run_at),
		'next_poll_at', flowpin_time(i.next_poll_at),
		'rate_limited_until', flowpin_time(i.rate_limited_until),
		'created_at', flowpin_time(i.created_at)) as connection
  from integrations i
 where i.user_id = $1::uuid
   and ($2::uuid is null or i.id = $2::uuid)
 order by i.created_at, i.id
