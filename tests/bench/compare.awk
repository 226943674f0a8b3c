# Medians of several runs of two commits: files a.N.tsv and b.N.tsv, in that order.
function median(list,    v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
BEGIN { FS = OFS = "\t"; print "measured", a, b, "ratio" }
FNR == 1 { side = FILENAME ~ /\/a\.[0-9]+\.tsv$/ ? "a" : "b"; next }
!(($1) in seen) { seen[$1] = 1; order[++count] = $1 }
# the same figure may stand against several others
!((FILENAME, $1) in had) { had[FILENAME, $1] = 1; values[side, $1] = values[side, $1] " " $2 }
END {
	for (i = 1; i <= count; i++) {
		x = median(values["a", order[i]])
		y = median(values["b", order[i]])
		print order[i], x, y, x ? sprintf("%.3f", y / x) : "-"
	}
}
