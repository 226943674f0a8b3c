-- account_rename: two of a name are refused at the commit only.
-- :id    integer  which
-- :name  text
update accounts
   set name = :name
 where id = :id
