-- nap: longer than anybody waits.
-- :ms  integer
select pg_sleep(:ms / 1000.0)
