-- connection_note: take note of rows of integrations that no trigger told of.
-- :connection_id  uuid  only this one; null: all
select gateway.connection_note(case when :connection_id is not null
	then array[:connection_id] end)
