-- migration_list: which migrations are applied.
select number
  from flowpin_migrations
 order by number
