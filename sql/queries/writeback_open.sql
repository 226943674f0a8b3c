-- writeback_open: how many are open, and how long the oldest has been.
select count(*) as open,
       coalesce(extract(epoch from now() - min(w.created_at)), 0)::bigint
		as oldest_s
  from gateway.writebacks w
 where w.settled_at is null
