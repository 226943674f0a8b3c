#!/bin/bash
# `make test TESTS='210 token'`: each word is a suite's or a unit program's, or both.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source-path=SCRIPTDIR source=runner.sh
. tests/runner.sh

mapfile -t programs < <(basename -s .c tests/unit/test_*.c)
mapfile -t suites < <(basename -s .sh tests/integration/[0-9]*.sh)
read -ra words <<<"$TESTS"
of_units=() of_suites=()
for word in "${words[@]}"; do
	runner_fits_any "$word" "${programs[@]}" && of_units+=("$word")
	if runner_fits_any "$word" "${suites[@]}"; then
		of_suites+=("$word")
	elif ! runner_fits_any "$word" "${programs[@]}"; then
		echo "TESTS: '$word' is none of: ${programs[*]} ${suites[*]}" >&2
		exit 2
	fi
done
status=0
[ ${#of_units[@]} = 0 ] ||
	"$MAKE" --no-print-directory test-unit TESTS="${of_units[*]}" || status=1
[ ${#of_suites[@]} = 0 ] ||
	"$MAKE" --no-print-directory test-integration TESTS="${of_suites[*]}" || status=1
exit $status
