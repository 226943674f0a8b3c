-- kinds_echo: a parameter of each kind, and what it became.
-- :word      text         "quoted" and back\slashed
-- :id        uuid
-- :document  jsonb
-- :moment    timestamptz
-- :span      interval     in parentheses, with or without a unit behind
-- :big       bigint
-- :small     smallint
-- :is_so     boolean
-- :sealed    bytea
-- :big_or    bigint?
-- :is_or     boolean?
-- :words     text[]
-- :numbers   bigint[]
-- :answers   boolean[]
select :word as word, :id as id, :document->>'a' as document,
       :moment at time zone 'UTC' as moment,
       extract(epoch from :span)::bigint as span,
       -:big as big, :small + 0 as small, not :is_so as is_so, :sealed as sealed,
       :big_or as big_or, :is_or as is_or,
       :words [1] as first_word, cardinality(:words) as words,
       :numbers::text as numbers, :answers::text as answers,
       ':word $1' as ":word", -- :word $1
       /* :word
	  $1 */ 'it''s :id'::text as quoted, '\ "' as escaped,
       (array[10, 20, 30])[1:2]::text as slice
