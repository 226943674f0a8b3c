-- text_as_number: the caller may send what is none.
-- :text  text
-- input: errors of class 22 are about what the caller sent
select :text::integer as number
