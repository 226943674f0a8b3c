-- account_add: a check keeps balances from falling below zero.
-- :id      integer  which
-- :amount  bigint   to be added
update accounts
   set balance = balance + :amount
 where id = :id
returning balance, pg_current_xact_id()::text as txid
