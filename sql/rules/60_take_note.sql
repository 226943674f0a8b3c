-- Take note of a status that somebody else gave to a task: a change between active and
-- completed is a wish; what is archived, or comes back from there, stays here. The
-- caller holds the lock on the task's row. task: what the gateway knew. status: the new
-- one. origin: row or found. moment: when, by the clock of who changed it; null: now.
create or replace function gateway.take_note(task gateway.task_before, status text,
	origin text, moment timestamptz) returns void
language plpgsql as $$
begin
	if take_note.status = 'completed' then
		perform gateway.wish_add(task, 'complete', gen_random_uuid(), 0, origin,
			least(moment, now()));
	elsif take_note.status = 'active' and task.status = 'completed' then
		perform gateway.wish_add(task, 'uncomplete', gen_random_uuid(), 0, origin,
			null);
	else
		perform gateway.link_make(task, task.status, null);
		-- of one that was completed before it was archived no list speaks now
		update gateway.links l
		   set version = l.version + 1, status = take_note.status,
		       completed_by = case take_note.status when 'archived'
				then l.completed_by end,
		       completion_reason = case take_note.status when 'archived'
				then l.completion_reason end,
		       seen_at = case when take_note.status = 'archived'
				or l.completed_by is null then l.seen_at end,
		       -- of one that comes back it may be the one that was closed
		       metadata = case take_note.status when 'active'
				then l.metadata - 'due_date' else l.metadata end,
		       missing_since = null, contradicted_since = null,
		       changed_at = clock_timestamp()
		 where l.task_id = task.id;
	end if;
end
$$;

-- A row of tasks as a wish needs to know it, with the status that it had.
create or replace function gateway.before_of(task public.tasks, status text,
	completed_at timestamptz) returns gateway.task_before
language sql stable as $$
	select row(task.user_id, task.id, task.source::text, task.source_id,
		task.connection_id, $2, $3)::gateway.task_before
$$;

-- Take note of a task that somebody else makes: it gets a link, and if it is completed
-- that is a wish. The link of a task of this id that went while no trigger was there says
-- nothing of this one.
create or replace function gateway.note_insert(made public.tasks) returns void
language plpgsql as $$
declare
	before gateway.task_before := gateway.before_of(made, 'active', null);
	l gateway.links;
begin
	-- the gateway makes a link before its task, in one transaction
	delete from gateway.links stale
	 where stale.task_id = made.id
	   and stale.linked_at < now()
	   and not exists (select from public.tasks t where t.id = made.id);
	l := gateway.link_make(before, made.status::text,
		to_jsonb(made) -> 'source_metadata');
	if made.status::text = 'completed' and l.status = 'completed'
	   and l.completed_by is null then
		perform gateway.take_note(before, 'completed', 'row', made.completed_at);
	end if;
end
$$;

-- Take note of a task whose status or item somebody else changes.
create or replace function gateway.note_update(was public.tasks, now public.tasks)
returns void
language plpgsql as $$
declare
	before gateway.task_before := gateway.before_of(now, was.status::text,
		was.completed_at);
begin
	if exists (
		select from gateway.links l
		 where l.task_id = now.id
		   and l.user_id = now.user_id
		   and l.source = now.source::text
		   and l.source_id = now.source_id
		   and l.status = now.status::text) then
		return;
	end if;
	perform gateway.link_make(before, was.status::text,
		to_jsonb(now) -> 'source_metadata');
	if now.status <> was.status then
		perform gateway.take_note(before, now.status::text, 'row',
			now.completed_at);
	end if;
end
$$;

-- The trigger on tasks: where foreign writes become wishes.
--
-- what is written                                what it counts as
-- ----------------------------------------------------------------------------------
-- update of status, active <-> completed         a wish, however late it comes
-- update or upsert with the same status          nothing: an echo
-- update or upsert of title, position, ...       nothing
-- update of completed_at alone                   nothing; the client's to change
-- upsert, its updated_at older than the row's    an old copy: status, completion time
--                                                and item stay as the row has them
-- upsert, not older, with another status         a wish
-- insert of an active task with an item          a link
-- insert of a completed task with an item        a link and a wish to complete
-- update to archived, or from there to active    taken note of; nothing is sent
-- update from archived to completed              a wish to complete
-- update of source or source_id                  another item: a new link
-- delete                                         the link goes; what is open ends
-- status that a rollback is about to restore     a wish: the newer one wins, and the
--                                                rollback finds another version
-- any of these by the gateway                    nothing: it took note before
--
-- An upsert is told by this trigger having fired for an insert that meets the same row,
-- by its id or by its item, in the same statement. (All that one function does, or one
-- message of several statements, counts as one: there an insert that was ignored makes an
-- upsert of a later update of its row.) It must run before any trigger that
-- sets updated_at, which hides what the client sent: triggers fire in the order of their
-- names. An upsert also never changes connection_id, which clients that do not know it
-- send back as they read it, and a connection that is not there (any more) is taken as
-- none: the client's write must not fail for a column of the gateway's.
--
-- It never raises: what goes wrong is a warning, which is logged, and found by the next
-- run, as a task whose status is not the one that its link took note of. (A warning,
-- because with a log message the statement would be logged, values and all.) It waits
-- half a second for a lock at most, once in a statement, however many rows that has.
--
-- Most updates are no news: of something else, which looks at no other table, or the
-- gateway's own. These end here, without the search_path of the function that takes
-- note, which costs more than all the rest. Nothing here is looked up by the client's
-- search_path: every name and operator has its schema, and no "is distinct from" hides
-- one.
create or replace function gateway.task_written() returns trigger
language plpgsql security definer set lock_timeout = '500ms' as $$
begin
	if tg_op operator(pg_catalog.=) 'DELETE' then
		perform gateway.task_heard(tg_op, old, null);
		return old;
	end if;
	if tg_op operator(pg_catalog.=) 'UPDATE'
	   and coalesce(pg_catalog.current_setting('flowpin.upsert', true), '')
		operator(pg_catalog.=) ''
	   and (new.connection_id is null
		or new.connection_id operator(pg_catalog.=) old.connection_id) then
		if new.status operator(pg_catalog.=) old.status
		   and new.source operator(pg_catalog.=) old.source
		   and (new.source_id operator(pg_catalog.=) old.source_id
			or (new.source_id is null and old.source_id is null)) then
			return new;
		end if;
		if gateway.is_noted(new) then
			return new;
		end if;
	end if;
	return gateway.task_heard(tg_op, old, new);
end
$$;

-- Has the gateway taken note of a row as it is to be? Not known, if that would take long.
create or replace function gateway.is_noted(task public.tasks) returns boolean
language plpgsql as $$
begin
	if coalesce(pg_catalog.current_setting('flowpin.waited', true), '')
		operator(pg_catalog.=)
		pg_catalog.statement_timestamp()::pg_catalog.text then
		return false;
	end if;
	return exists (
		select from gateway.links l
		 where l.task_id operator(pg_catalog.=) task.id
		   and l.user_id operator(pg_catalog.=) task.user_id
		   and l.source operator(pg_catalog.=) task.source::pg_catalog.text
		   and l.source_id operator(pg_catalog.=) task.source_id
		   and l.status operator(pg_catalog.=) task.status::pg_catalog.text);
exception when others then
	perform gateway.waited(sqlstate);
	return false;
end
$$;

-- After a lock that was not to be had: this statement waits for no other.
create or replace function gateway.waited(state text) returns void
language plpgsql as $$
begin
	if state operator(pg_catalog.=) '55P03' then
		perform pg_catalog.set_config('flowpin.waited',
			pg_catalog.statement_timestamp()::pg_catalog.text, true);
	end if;
end
$$;

-- Which rows does an insert meet, by its id or by its item? Null: none. A row that is just
-- being deleted is none: once it is gone, the insert goes through.
create or replace function gateway.rows_met(made public.tasks) returns text
language plpgsql as $$
declare
	other record;
	ids text;
begin
	for other in
		select t.id, t.xmax <> 0 as is_held
		  from public.tasks t
		 where t.id = made.id
		union
		select t.id, t.xmax <> 0
		  from public.tasks t
		 where t.user_id = made.user_id
		   and t.source = made.source
		   and t.source_id = made.source_id
	loop
		if other.is_held then
			begin
				perform
				   from public.tasks t
				  where t.id = other.id
				    for key share;
				continue when not found;
			exception when lock_not_available then
				-- most likely somebody changes it
				perform gateway.waited(sqlstate);
			end;
		end if;
		ids := coalesce(ids, '') || other.id || ' ';
	end loop;
	return ids;
end
$$;

-- Takes note of what was written to a row of tasks, and returns the row as it is to be.
-- One function, because the first of its cases that fits is the one that counts.
-- Types of a session's own would be found first, did the path not name pg_catalog.
create or replace function gateway.task_heard(tg_op text, old public.tasks, new public.tasks)
returns public.tasks
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
	met text;
	is_restored boolean := false;
begin
	if current_setting('flowpin.waited', true) = statement_timestamp()::text then
		perform set_config('lock_timeout', '1ms', true);
	end if;
	if tg_op = 'INSERT' then
		met := gateway.rows_met(new);
		if met is not null then
			perform set_config('flowpin.upsert',
				met || statement_timestamp(), true);
			if new.connection_id is not null then
				new.connection_id := gateway.connection_there(
					new.connection_id, new.user_id);
			end if;
			return new;
		end if;
	elsif tg_op = 'UPDATE' and current_setting('flowpin.upsert', true)
		like '%' || old.id || ' %' || statement_timestamp() then
		perform set_config('flowpin.upsert', '', true);
		is_restored := new.connection_id is null;
		new.connection_id := coalesce(old.connection_id, new.connection_id);
		if new.updated_at < old.updated_at then
			new.status := old.status;
			new.completed_at := old.completed_at;
			new.source := old.source;
			new.source_id := old.source_id;
		end if;
	end if;

	if tg_op <> 'DELETE' and new.connection_id is not null
	   and (tg_op = 'INSERT' or is_restored
		or new.connection_id is distinct from old.connection_id)
	then
		new.connection_id := gateway.connection_there(new.connection_id,
			new.user_id);
	end if;
	if tg_op = 'UPDATE' and new.status = old.status
	   and (new.source, new.source_id) is not distinct from
	       (old.source, old.source_id) then
		return new;
	end if;
	if tg_op <> 'DELETE' and (new.source_id is null or new.source::text = 'manual') then
		return new;
	end if;

	begin
		if tg_op = 'DELETE' then
			delete from gateway.links l where l.task_id = old.id;
		elsif tg_op = 'INSERT' then
			perform gateway.note_insert(new);
		else
			perform gateway.note_update(old, new);
		end if;
	exception when others then
		perform gateway.waited(sqlstate);
		raise warning 'flowpin: a change of task % was not taken note of: % (%)',
			coalesce(new.id, old.id), sqlerrm, sqlstate;
	end;
	return new;
end
$$;

-- The connection, if it is there and the user's; null if not, or if it cannot be looked at.
create or replace function gateway.connection_there(connection_id uuid, user_id uuid)
returns uuid
language plpgsql as $$
begin
	-- as its foreign key will: one that is being deleted would fail that
	return (select i.id
		  from public.integrations i
		 where i.id = $1
		   and i.user_id = $2
		   for key share);
exception when others then
	perform gateway.waited(sqlstate);
	raise warning 'flowpin: connection % cannot be looked at: % (%)',
		$1, sqlerrm, sqlstate;
	return null;
end
$$;

create or replace trigger flowpin_gateway
	before insert or update or delete on public.tasks
	for each row execute function gateway.task_written();

-- Take note of what no trigger did, in the tasks that are given: tasks without a link
-- get one, which knows them as they are; a task whose status is not the one that its
-- link took note of is a wish found late. Row by row, so that one that cannot be
-- handled holds up no other; one that is locked is the next run's, and is waited for once
-- at most. Returns how many.
create or replace function gateway.reconcile(tasks uuid[]) returns integer
language plpgsql set lock_timeout = '500ms' as $$
declare
	found_late record;
	count integer := 0;
begin
	for found_late in
		select t.id, t.user_id
		  from unnest(tasks) as u (id)
		  join gateway.item_tasks t on t.id = u.id
		 where t.is_linked is not true
		    or t.noted is distinct from t.status
		 order by t.id
	loop
		begin
			count := count + gateway.reconcile_one(found_late.id);
		exception when others then
			if sqlstate = '55P03' then
				perform set_config('lock_timeout', '1ms', true);
			end if;
			raise warning 'flowpin: task % cannot be taken note of: % (%)',
				found_late.id, sqlerrm, sqlstate;
		end;
	end loop;
	return count;
end
$$;

create or replace function gateway.reconcile_one(task_id uuid) returns integer
language plpgsql as $$
declare
	task public.tasks;
	l gateway.links;
begin
	select t.* into task
	  from public.tasks t
	 where t.id = reconcile_one.task_id
	   for update skip locked;
	if not found then
		return 0;
	end if;
	-- of one that was made unnoticed and is completed, that is the wish; what was
	-- completed before the gateway was there is no concern of it
	l := gateway.link_make(gateway.before_of(task, task.status::text,
		task.completed_at), case when task.status::text = 'completed'
			and task.completed_at >= (
				select min(m.applied_at) from gateway.migrations m)
		then 'active' else task.status::text end, null);
	if l.status is distinct from task.status::text then
		-- when it was completed before is gone; when that was noted, is not
		perform gateway.take_note(gateway.before_of(task, l.status,
			case l.status when 'completed' then l.changed_at end),
			task.status::text, 'found',
			coalesce(task.completed_at, '-infinity'));
	end if;
	return 1;
end
$$;
