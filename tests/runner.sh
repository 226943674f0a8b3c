# shellcheck shell=bash
# What the runners of unit and integration tests share: which tests TESTS means,
# and the line that repeats one. Sourced, not run.

# runner_pick WORDS NAME...: those names that a word fits, in their order. A word
# that fits none is an error: what was asked for would not run.
runner_pick() {
	local words word name picked=()

	read -ra words <<<"$1"
	shift
	for word in "${words[@]}"; do
		runner_fits_any "$word" "$@" && continue
		echo "TESTS: '$word' is none of: $*" >&2
		return 1
	done
	for name; do
		for word in "${words[@]}"; do
			runner_fits "$word" "$name" || continue
			picked+=("$name")
			break
		done
	done
	printf '%s\n' "${picked[@]}"
}

runner_fits_any() {
	local word=$1 name

	shift
	for name; do
		runner_fits "$word" "$name" && return
	done
	return 1
}

# runner_fits WORD NAME: of 210_absence or test_absence, all of it, what stands
# before or after the first _, or a pattern of these; or its file.
runner_fits() {
	local word=${1##*/} part

	word=${word%.sh}
	word=${word%.c}
	for part in "$2" "${2%%_*}" "${2#*_}"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $part == $word ]] && return
	done
	return 1
}

# runner_again TARGET NAME: the line that runs this one alone, as it was built.
runner_again() {
	local variant=''

	case $BUILD in
	build/release) ;;
	build/san) variant=' SAN=1' ;;
	*) variant=" BUILD=$BUILD" ;;
	esac
	echo "again: make $1 TESTS=$2$variant"
}
