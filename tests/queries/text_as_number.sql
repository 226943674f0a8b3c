-- text_as_number: the caller may send what is none.
-- :text  text
select :text::integer as number
