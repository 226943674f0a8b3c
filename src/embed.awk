# Makes C of SQL files, so that a query can be read, run and explained in psql and
# a wrong name does not compile. -v kind=query|migration -v part=h|c
# Comment lines in front of a statement are left out of what is sent.
function name(path) {
	sub(/.*\//, "", path)
	sub(/\.sql$/, "", path)
	return path
}
function finish() {
	if (current == "")
		return
	if (part == "h" && kind == "query")
		printf "extern const struct query q_%s;\n", current
	else if (part == "c" && kind == "query")
		printf "const struct query q_%s = { %d, \"%s\",\n%s};\n", current, count++, current, text
	else if (part == "c")
		printf "\t{ %d, \"%s\",\n%s\t},\n", current + 0, current, text
	if (part == "c" && kind == "query")
		list = list sprintf("\t&q_%s,\n", current)
}
BEGIN {
	print "/* made by src/embed.awk */"
	if (part == "h" && kind == "query")
		print "#include \"core/db.h\""
	else if (part == "c" && kind == "query")
		print "#include \"queries.h\""
	else if (part == "c")
		print "#include \"migrations.h\"\nconst struct migration migrations[] = {"
}
FNR == 1 { finish(); current = name(FILENAME); text = ""; head = 1 }
head && /^--/ { next }
{ head = 0; gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); text = text sprintf("\t\"%s\\n\"\n", $0) }
END {
	finish()
	if (part == "h" && kind == "query")
		print "extern const struct query *const queries_all[];"
	else if (part == "c" && kind == "query")
		printf "const struct query *const queries_all[] = {\n%s\t0 };\n", list
	else if (part == "c")
		print "\t{ 0, 0, 0 },\n};"
}
