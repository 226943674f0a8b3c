-- Whether an open writeback may have reached its provider already, with an effect
-- that is not known: it is read before it is sent again, and before it is rolled
-- back. What was only told to wait was never sent. An owner that fell silent may
-- have sent it; what is open now may have been, too.
alter table writebacks
	add column if not exists is_unclear boolean not null default false;

update writebacks set is_unclear = true where settled_at is null;

comment on column writebacks.is_unclear is 'A send may have had its effect: the item is read before anything else is done.';
