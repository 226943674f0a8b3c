-- text_repeat: much to send, much to read.
-- :text   text
-- :times  integer
select repeat(:text, :times) as text
