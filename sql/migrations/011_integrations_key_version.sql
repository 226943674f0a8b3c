-- Which of its keys a connection was asked with: what is still under way under an
-- older one says nothing of the key that replaced it.
alter table integrations
	add column if not exists key_version bigint not null default 1;

comment on column integrations.key_version is 'Counts the keys it has had: a refusal of an older one does not concern the present one.';
