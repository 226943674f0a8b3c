-- account_list: all of them.
select id, balance, name
  from accounts
 order by id
