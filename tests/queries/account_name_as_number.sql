-- account_name_as_number: a row may hold what is none.
-- :id  integer  which
select name::integer as number
  from accounts
 where id = :id
