-- schema_check: which migrations does this database have? No table at all is an error
-- that says so.
select coalesce(max(number), 0) as newest
  from gateway.migrations
