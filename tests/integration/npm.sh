# shellcheck shell=bash
# Packages of the npm registry for a suite, installed below build/ and kept there for the
# next run. Sourced after lib.sh.

# npm_in DIRECTORY COMMAND...: without what packages would run.
npm_in() {
	local directory=$1

	shift
	(cd "$directory" && npm "$@" --ignore-scripts --no-audit --no-fund \
		--fetch-retries=1 --cache "$directory/cache") \
		>>"$STACK_DIR/npm.log" 2>&1
}

# install_packages SOURCES PACKAGES [COMMAND]: those of the lock file in SOURCES into the
# directory PACKAGES; COMMAND adds to the new directory that it is given. Whole or not at
# all: another run may be at it, and the first one's stays.
install_packages() {
	local new

	[ ! -d "$2" ] || return 0
	mkdir -p "${2%/*}" && new=$(mktemp -d "$2.XXXXXX") || return 1
	cp "$1"/package*.json "$new/" && npm_in "$new" ci && "${3:-true}" "$new" &&
		rm -rf "$new/cache" &&
		{ mv -T "$new" "$2" 2>/dev/null || [ -d "$2" ]; }
	set -- $?
	rm -rf "$new"
	return "$1"
}
