# results.tsv as people read it; the last column says whether the target is met.
function met(ratio, target,    part) {
	if (ratio == "-")
		return ""
	split(target, part, " ")
	if (part[1] == ">=" ? ratio >= part[2] : ratio <= part[2])
		return "met"
	return "missed"
}
BEGIN {
	FS = "\t"
	form = "%-44s %8s  %-40s %8s %7s %7s %s\n"
}
NR == 1 { printf form, $1, $2, $3, $4, $5, $6, ""; next }
{ printf form, $1, $2, $3, $4, $5, $6, met($5, $6) }
