#!/bin/bash
# Two commits side by side: both are built, then measured in turns with the bench
# of this checkout, so that it does not matter which of them had one. Medians; a
# ratio is the second commit over the first.
#
#	tests/bench/compare.sh A B	TURNS=3 PARTS="completions many alone poll"
set -u
cd "$(dirname "$0")/../.." || exit 1
TURNS=${TURNS:-3}
export PARTS=${PARTS:-completions many alone poll} QUICK=1 AGAINST=
export STUB=$PWD/build/release/flowpin-stub
work=$PWD/build/bench/compare

give_up() {
	echo "compare: $*" >&2
	exit 1
}

# build NAME COMMIT: its tree, with this checkout's bench in it.
build() {
	local tree=$work/$1

	rm -rf "$tree" && mkdir -p "$tree" || return 1
	git -c safe.directory="$PWD" archive "$2" | tar -x -C "$tree" || return 1
	rm -rf "$tree/tests/bench"
	cp -r tests/bench tests/stack.sh "$tree/tests/" &&
		make -s -C "$tree" all >"$work/$1.log" 2>&1
}

[ $# = 2 ] || give_up "which two commits? compare.sh A B"
[ -x "$STUB" ] || give_up "make bench-compare builds what is needed"
mkdir -p "$work" && rm -f "$work"/*.tsv || exit 1
build a "$1" || give_up "$1 does not build; see $work/a.log"
build b "$2" || give_up "$2 does not build; see $work/b.log"
for ((turn = 1; turn <= TURNS; turn++)); do
	for name in a b; do
		echo "compare: turn $turn of $TURNS, $name" >&2
		BUILD=build/release RESULTS=$work/$name.$turn.tsv \
			"$work/$name/tests/bench/run.sh" >/dev/null ||
			give_up "the bench failed"
	done
done
awk -v a="$1" -v b="$2" -f tests/bench/compare.awk "$work"/[ab].*.tsv |
	tee "$work/results.tsv" | column -t -s "$(printf '\t')"
