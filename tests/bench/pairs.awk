# The product's own begin and settle as a pgbench script: a task is completed and
# uncompleted again, two pairs of a begin and a settle, each its own commit.
#
#	awk -f pairs.awk -v tasks=N -v first=N -v users=N -v clients=N \
#		writeback_begin.sql writeback_settle.sql
#
# Nobody else touches a client's tasks. Ids are md5 of a word and a number.
function ids(word, variable) {
	return "array[md5('" word "' || :" variable ")::uuid]"
}

# Each name that stands alone becomes its value, which is not looked at again.
function bind(text, values,    done, name) {
	done = ""
	while (match(text, /:[a-z:][a-z0-9_]*/)) {
		name = substr(text, RSTART + 1, RLENGTH - 1)
		done = done substr(text, 1, RSTART - 1) \
			(name in values ? values[name] : ":" name)
		text = substr(text, RSTART + RLENGTH)
	}
	return done text
}

function pair(wish,    v) {
	print "\\set writeback random(1, 9000000000000000000)"
	v["user_ids"] = ids("user", "user")
	v["task_ids"] = ids("task", "task")
	v["wishes"] = "array['" wish "']"
	v["ids"] = ids("bench", "writeback")
	v["lease_ms"] = "array[20000]::bigint[]"
	print bind(begin, v) ";"
	v["generations"] = v["key_versions"] = "array[1]::bigint[]"
	v["states"] = "array['accepted']"
	v["reasons"] = "array['done']"
	v["details"] = "array['todoist: HTTP 200']"
	v["due_ms"] = v["doubt_ms"] = v["limit_ms"] = "array[0]::bigint[]"
	v["auth_failed"] = v["is_unclear"] = v["are_told"] = "array[false]"
	v["patches"] = "array[null::jsonb]"
	print bind(settle, v) ";"
}

/^[ \t]*--/ { next }
FILENAME ~ /begin/ { begin = begin $0 "\n"; next }
{ settle = settle $0 "\n" }

END {
	print "\\set task " first " + :client_id + " clients \
		" * random(0, " int(tasks / clients) - 1 ")"
	print "\\set user :task % " users
	pair("complete")
	pair("uncomplete")
}
