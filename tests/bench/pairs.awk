# The product's own begin and settle as a pgbench script: a task is completed and
# uncompleted again, two pairs of a begin and a settle, each its own commit.
#
#	awk -f pairs.awk -v tasks=N -v first=N -v users=N -v clients=N \
#		writeback_begin.sql writeback_settle.sql
#
# Nobody else touches a client's tasks. Ids are md5 of a word and a number.
function id(word, variable) {
	return "array[md5('" word "' || :" variable ")::uuid]"
}

# $10 before $1: the longer name first.
function bind(text, values, count,    i) {
	for (i = count; i > 0; i--)
		gsub("\\$" i, values[i], text)
	return text
}

function pair(wish,    v) {
	print "\\set writeback random(1, 9000000000000000000)"
	v[1] = id("user", "user")
	v[2] = id("task", "task")
	v[3] = "array['" wish "']"
	v[4] = id("bench", "writeback")
	v[5] = "array[20000]"
	v[6] = "86400000"
	print bind(begin, v, 6) ";"
	v[2] = v[4]
	v[3] = "array[1]"
	v[4] = "array['accepted']"
	v[5] = "array['done']"
	v[6] = "array['todoist: HTTP 200']"
	v[7] = v[9] = "array[0]"
	v[8] = "array[false]"
	v[10] = v[11] = "array[null]"
	v[12] = "array[1]"
	v[13] = v[8]
	print bind(settle, v, 13) ";"
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
