-- migration_list: which migrations are applied.
select number
  from gateway.migrations
 order by number
