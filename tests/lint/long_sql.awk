# A statement of more than 60 lines says at its head why it is one: the word "because".
# Prints those that do not.
FNR == 1 { finish(); file = FILENAME; head = ""; is_body = 0 }
/^--/ && !count { head = head " " $0; next }
/^[ \t]*--/ { next }
/^[ \t]*$/ { if (!count) head = ""; next }
{
	if (!count++)
		line = FNR
	if (gsub(/\$\$/, "&") % 2)
		is_body = !is_body
}
!is_body && /;[ \t]*$/ { finish() }
END { finish() }

function finish() {
	if (count > 60 && head !~ /because/)
		printf "%s:%d: %d lines -- say at its head why it is one\n",
			file, line, count
	head = ""
	count = 0
}
