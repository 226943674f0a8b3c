-- run_plan: the first statement of a transaction over a whole list. The planner knows
-- neither the list's length nor, in a young database, the tables'; a nested loop over
-- both would grow with their product, and compiling would take seconds.
select set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)
