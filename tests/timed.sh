#!/bin/bash
# What took how long, for `make test` and CI.
#
#	tests/timed.sh WHAT COMMAND...    runs it, and notes its seconds
#	tests/timed.sh --forget           what was noted
#	tests/timed.sh --show             all of it, and the sum
set -u
cd "$(dirname "$0")/.." || exit 1
notes=build/times

case $1 in
--forget)
	rm -f "$notes"
	exit
	;;
--show)
	awk -F '\t' '{ printf "%6d s  %s\n", $1, $2; sum += $1 }
		END { printf "%6d s  in all\n", sum }' "$notes"
	exit
	;;
esac
what=$1
shift
began=$SECONDS
"$@"
status=$?
mkdir -p build
printf '%d\t%s\n' $((SECONDS - began)) "$what" >>"$notes"
exit $status
