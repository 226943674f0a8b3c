-- run_reconcile: before a list is judged, take note of what no trigger noticed among
-- the user's tasks of its source. As many at once as a client may wait for.
-- :user_id  uuid     whose
-- :type     text     of which source
-- :limit    integer  at most so many
select gateway.reconcile(array(
	select t.id
	  from gateway.item_tasks t
	 where t.user_id = :user_id
	   and t.source = :type
	   and (not t.is_linked or t.noted is distinct from t.status)
	 order by t.id
	 limit :limit)) as noted
