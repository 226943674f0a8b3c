#!/bin/bash
# What every change is judged by, beyond compiling without warnings: rooms,
# format, banned calls, SQL outside its folder, words, spelling, shell scripts, Python,
# analyzers.
# All of it runs and every finding is printed; any makes it end with 1. A tool
# that is not there is a failure: a check that did not run proves nothing.
#
#	tests/lint/run.sh C_FILE...
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
# generated headers, which `make lint` has made by now
gen=${LINT_BUILD:-build/lint}/gen
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
bad=()
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT

mapfile -t c_files < <(printf '%s\n' "$@" | grep '\.[ch]$')
[ ${#c_files[@]} -gt 0 ] || {
	echo "lint: no C files given" >&2
	exit 1
}
mapfile -t product < <(printf '%s\n' "${c_files[@]}" | grep -E '^(src|include)/')

# check NAME COMMAND...: it says nothing and ends with 0, or it is a finding.
check() {
	local name=$1

	shift
	if "$@" >"$out" 2>&1 && [ ! -s "$out" ]; then
		echo "lint: $name: ok"
		return
	fi
	bad+=("$name")
	head -n 200 "$out"
	echo "lint: $name: FAILED"
}

tool() {
	command -v "$1" >/dev/null && return
	echo "$1 is missing: run tests/deps.sh"
	return 1
}

# refuse WHY REGEX FILE...
refuse() {
	local why=$1 re=$2 line

	shift 2
	[ $# -gt 0 ] || return 0
	grep -HnP "$re" "$@" /dev/null | while IFS= read -r line; do
		echo "$line -- $why"
	done
}

without() { # FILE... -- NAME...: the files that are none of the names
	local files=() file

	while [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	shift
	for file in "${files[@]}"; do
		case " $* " in
		*" $file "*) ;;
		*) echo "$file" ;;
		esac
	done
}

clock_users() { without "${product[@]}" -- src/core/clock.c; }
chance_users() { without "${product[@]}" -- src/core/crypto.c; }

banned_calls() {
	local files

	refuse 'no bound' \
		'^(?!\s*/?\*).*\b(strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|gets|alloca)\(' \
		"${c_files[@]}"
	mapfile -t files < <(printf '%s\n' "${c_files[@]}" |
		grep -v '^tests/unit/')
	refuse 'hides what is no number: strtol' '\b(atoi|atol|atoll|atof)\(' \
		"${files[@]}"
	refuse 'no shells' '\b(system|popen)\(' "${product[@]}"
	mapfile -t files < <(clock_users)
	refuse 'time comes in as an argument; clock.c reads it' \
		'\b(time|gettimeofday|clock_gettime|localtime)\(' "${files[@]}"
	mapfile -t files < <(chance_users)
	refuse 'chance comes from crypto.c' \
		'\b(rand|srand|random|srandom|drand48|getrandom|RAND_bytes)\(' \
		"${files[@]}"
	# crash.c is what the crash tests' builds have and others lack
	mapfile -t files < <(without "${product[@]}" -- src/core/crash.c |
		grep '\.c$')
	refuse 'one platform, one build: no #if in .c files' \
		'^#\s*(if|ifdef|ifndef|elif)\b' "${files[@]}"
}

# A query is a file: read, run and explained in psql. The migration runner's own
# few lines come before any schema; the doctor uses each right for nothing.
sql_in_c() {
	local files

	mapfile -t files < <(without "${product[@]}" -- src/ctl/migrate.c src/ctl/doctor.c)
	refuse 'SQL belongs into sql/' \
		'(?i)"\s*(select\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s|alter\s+table\s|create\s+(table|index|function)\s)' \
		"${files[@]}"
}

long_sql() {
	awk -f tests/lint/long_sql.awk sql/*/*.sql
}

# A rule stands once: a second definition would win in silence.
rules_stand_once() {
	grep -hoiE 'create or replace (function|view) [a-z_.]+' sql/*/*.sql |
		sort | uniq -d | sed 's/$/ -- is defined twice/'
}

# What the project consists of: known to git, or not ignored by it.
texts() {
	if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
		git -c "safe.directory=$root" ls-files -co --exclude-standard
	else
		find . -type f -not -path './build/*' -not -path './.git/*' \
			-not -path '*/node_modules/*' -printf '%P\n'
	fi | while IFS= read -r file; do
		# not what is gone, nor what is no text
		[ -f "$file" ] && grep -qI . "$file" && echo "$file"
	done
}

words() {
	local files own=tests/lint/run.sh

	mapfile -t files < <(texts | grep -vE "^(LICENSE|$own)\$")
	refuse 'a place on one machine only' \
		'(^|[^\w.@/-])/(work|root|home/\w+|Users/\w+)/' "${files[@]}"
	refuse 'a conflict left over' '^(<<<<<<<|>>>>>>>)( |$)' "${files[@]}"
	mapfile -t files < <(printf '%s\n' "${files[@]}" |
		grep -vE '^tests/(fixtures|clients)/')
	refuse 'space at the end of a line' '[ \t]+$' "${files[@]}"
	mapfile -t files < <(printf '%s\n' "${files[@]}" | grep '\.[ch]$')
	refuse 'a TODO names the condition under which it is due' \
		'\b(TODO(?! when| once| if| after)|FIXME|XXX)\b' "${files[@]}"
}

shell_scripts() {
	local files

	tool shellcheck || return
	mapfile -t files < <(texts | grep -v '/node_modules/' |
		while IFS= read -r file; do
			case $file in
			*.sh) echo "$file" ;;
			*.*) ;;
			*) head -c 64 "$file" | head -n 1 |
				grep -qE '^#!.*\b(ba)?sh\b' && echo "$file" ;;
			esac
		done)
	# a few at a time: what the integration tests share is read for each
	printf '%s\0' "${files[@]}" |
		xargs -0 -P "$(nproc)" -n 4 shellcheck
}

python_files() {
	local files

	tool pyflakes3 || return
	mapfile -t files < <(texts | grep '\.py$')
	pyflakes3 "${files[@]}"
}

# With words of ours that it takes for others.
spelling() {
	local files

	tool codespell || return
	mapfile -t files < <(texts |
		grep -vE '^tests/(fixtures|clients)/|package-lock|^LICENSE$')
	codespell -L uncomplete,fulfilment,isnt,ans,nd,nin,fro "${files[@]}"
}

format() {
	tool clang-format || return
	clang-format --dry-run -Werror "${c_files[@]}"
}

# One process per file: clang-tidy 14 carries state from one file into the next
# and then sees uninitialised va_lists.
tidy() {
	local flags

	tool clang-tidy || return
	[ -e "$gen/queries.h" ] || {
		echo "$gen/queries.h is missing: run make lint"
		return 1
	}
	read -ra flags <<<"$(pkg-config --cflags libpq libcurl libcjson openssl)"
	printf '%s\0' "${c_files[@]}" | grep -zE '\.c$' |
		grep -zvE '^tests/(unit|fuzz)/' |
		timeout 900 xargs -0 -P "$(nproc)" -n 1 tests/lint/tidy-one \
			-std=c17 -D_GNU_SOURCE '-DFLOWPIN_VERSION="0"' -Iinclude \
			-Isrc -Isrc/ctl "-I$gen" "${flags[@]}" -- || {
		echo "clang-tidy: findings, or more than 15 minutes"
		return 1
	}
}

# Without its portability checks: there is one platform. A caller that waits may
# stand in a queue with what lies on its own stack: autoVariables.
cpp_check() {
	tool cppcheck || return
	cppcheck -q -j "$(nproc)" --std=c11 --template=gcc --inline-suppr \
		--enable=warning,performance --error-exitcode=1 \
		--suppress=missingInclude --suppress=autoVariables \
		--library=tests/lint/cppcheck.cfg \
		-Iinclude -Isrc src tests/sim
}

check rooms tests/lint/rooms
check format format
check 'banned calls' banned_calls
check 'SQL in C' sql_in_c
check 'long SQL' long_sql
check 'rules stand once' rules_stand_once
check words words
check spelling spelling
check 'shell scripts' shell_scripts
check Python python_files
check cppcheck cpp_check
check clang-tidy tidy

if [ ${#bad[@]} -gt 0 ]; then
	(
		IFS=,
		echo "lint: failed: ${bad[*]}"
	)
	exit 1
fi
echo "lint: all is well"
