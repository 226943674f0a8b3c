# Makes C of SQL files, so that a query can be read, run and explained in psql and
# a wrong name does not compile. -v kind=query|migration|rule -v part=h|c|sql
# Comment lines in front of a statement are left out of what is sent. A query's
# name its parameters, one a line:
#
#	-- :user_ids  uuid[]  whose
#
# Where the statement says :user_ids, it is sent as $1::uuid[]; in C it is a field
# of struct q_NAME_args. psql takes the same name from -v user_ids=... The line
#
#	-- input: errors of class 22 are about what the caller sent
#
# blames the caller for a value that its type refuses; else the database's rows
# are to blame. part=sql prints a statement as it is sent, under its parameters.
BEGIN {
	split("text uuid jsonb timestamptz xid8 interval", types, " ")
	for (i in types)
		kind_of[types[i]] = "text"
	kind_of["bigint"] = kind_of["integer"] = kind_of["smallint"] = "int"
	kind_of["boolean"] = "bool"
	kind_of["bytea"] = "bytes"
	field["text"] = "const char *%s"
	field["int"] = "int64_t %s"
	field["bool"] = "bool %s"
	field["bytes"] = "struct bytes %s"
	field["array"] = "struct array %s"
	field["int_or_null"] = "const int64_t *%s"
	field["bool_or_null"] = "const bool *%s"
	if (part != "sql")
		print "/* made by src/embed.awk */"
	if (part == "h" && kind == "query")
		print "#include \"core/db.h\""
	else if (part == "c" && kind == "query")
		print "#include \"queries.h\"\n#include \"core/db_args.h\""
	else if (part == "c")
		print "#include \"migrations.h\"\nconst struct migration " kind "s[] = {"
}

function fail(why) {
	print path ": " why "." > "/dev/stderr"
	failed = 1
	exit 1
}

function name_of(file) {
	sub(/.*\//, "", file)
	sub(/\.sql$/, "", file)
	return file
}

# The C of a type: NULL is SQL's null, where there is a pointer. Others need a ?
# for that.
function kind_of_type(type,    base) {
	base = type
	if (sub(/\[\]$/, "", base))
		return kind_of[base] ~ /^(text|int|bool)$/ ? "array" : ""
	if (sub(/\?$/, "", base))
		return kind_of[base] ~ /^(int|bool)$/ ? kind_of[base] "_or_null" : ""
	return kind_of[base]
}

# A line of the head that begins with "-- :".
function declare(line,    word, parameter, type) {
	split(line, word)
	parameter = substr(word[2], 2)
	type = word[3]
	sub(/^-- :[^ \t]*[ \t]*/, "", line)
	if (parameter !~ /^[a-z][a-z0-9_]*$/)
		fail("':" parameter "' is no name of a parameter")
	if (parameter in number)
		fail(":" parameter " is declared twice")
	if (kind_of_type(type) == "")
		fail(":" parameter " has the unknown type '" type "'")
	number[parameter] = ++count
	names[count] = parameter
	kinds[count] = kind_of_type(type)
	gsub(/\*\//, "* /", line)
	notes[count] = line
	sub(/\?$/, "", type)
	casts[count] = type
}

# What stands for a parameter in front of rest. A cast binds tighter than all but
# what could be taken for the rest of the type's name.
function placeholder(parameter, rest,    n, text) {
	if (!(parameter in number))
		fail(":" parameter " is used but not declared")
	n = number[parameter]
	is_used[n] = 1
	text = "$" n "::" casts[n]
	if (casts[n] == "interval" || rest ~ /^[ \t]*(\[|\()/)
		return "(" text ")"
	return text
}

# A line of a statement, its parameters numbered. inside: what ends the string,
# quoted name or comment that we are in.
function numbered(line,    done, at, token) {
	done = ""
	while (line != "") {
		at = inside != "" ? index(line, inside) : \
			match(line, /['"$:]|--|\/\*/)
		if (at == 0)
			return done line
		token = inside != "" ? inside : substr(line, at, RLENGTH)
		done = done substr(line, 1, at - 1)
		line = substr(line, at + length(token))
		if (inside != "")
			inside = ""
		else if (token == "--")
			return done token line
		else if (token == "$")
			fail("a $ in the statement, whose parameters have names")
		else if (token == ":" && sub(/^:/, "", line))
			token = "::"
		else if (token == ":" && line ~ /^[a-z]/ && done !~ /[A-Za-z0-9_]$/) {
			match(line, /^[a-z][a-z0-9_]*/)
			token = substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
			token = placeholder(token, line)
		} else if (token != ":")
			inside = token == "/*" ? "*/" : token
		done = done token
	}
	return done
}

function quoted(line) {
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	return "\t\"" line "\\n\"\n"
}

function print_header(    n, arrays) {
	if (count > 0) {
		print "struct q_" current "_args {"
		for (n = 1; n <= count; n++) {
			printf "\t" field[kinds[n]] "; /* %s */\n", names[n], notes[n]
			if (kinds[n] == "array")
				arrays = arrays "\tarray_done(&args->" names[n] ");\n"
		}
		print "};"
	}
	print "extern const struct query q_" current ";"
	print "static inline struct statement\nq_" current "_with(" \
		(count ? "const struct q_" current "_args *args" : "void") ")"
	print "{\n\treturn (struct statement){ &q_" current ", " \
		(count ? "args" : "0") " };\n}"
	if (arrays != "")
		print "static inline void\nq_" current "_args_done(struct q_" \
			current "_args *args)\n{\n" arrays "}"
}

function print_code(    n) {
	if (count > 0) {
		print "_Static_assert(" count " <= ARGS_MAX, \"" current \
			" has too many parameters\");"
		print "static void\nbind_" current \
			"(const void *values, struct args *out)\n{"
		print "\tconst struct q_" current "_args *args = values;\n"
		for (n = 1; n <= count; n++)
			print "\targs_" kinds[n] "(out, " \
				(kinds[n] == "array" ? "&" : "") "args->" names[n] ");"
		print "}"
	}
	print "const struct query q_" current " = { " queries + 0 ", \"" current \
		"\",\n" text "\t, " (is_input ? "true" : "false") ", " \
		(count ? "bind_" current : "0") " };"
}

function finish(    n) {
	if (current == "")
		return
	if (inside != "")
		fail("it ends within what " inside " would end")
	for (n = 1; n <= count; n++)
		if (!(n in is_used))
			fail(":" names[n] " is declared but not used")
	if (part == "sql")
		printf "%s%s", head, text
	else if (part == "h" && kind == "query")
		print_header()
	else if (part == "c" && kind == "query")
		print_code()
	else if (part == "c")
		printf "\t{ %d, \"%s\",\n%s\t},\n", current + 0, current, text
	queries++
}

FNR == 1 {
	finish()
	path = FILENAME
	current = name_of(path)
	text = head = inside = ""
	is_head = 1
	count = is_input = 0
	split("", number)
	split("", is_used)
}
is_head && /^--/ {
	if (kind == "query" && /^-- :/) {
		declare($0)
		head = head $0 "\n"
	}
	if (kind == "query" && /^-- input:/)
		is_input = 1
	next
}
{
	is_head = 0
	line = kind == "query" ? numbered($0) : $0
	text = text (part == "sql" ? line "\n" : quoted(line))
}

END {
	if (failed)
		exit 1
	finish()
	if (part == "c" && kind == "query")
		printf "_Static_assert(%d <= QUERIES_MAX, \"a place for each\");\n", queries
	else if (part == "c")
		print "\t{ 0, 0, 0 },\n};"
}
