#!/bin/bash
# The providers' own published clients against the simulator: what they accept is
# as close to the real services as a test comes without them. Their packages are
# those of tests/clients/package-lock.json, installed below build/ and kept there
# for the next run. Without a way to the npm registry, the first run fails.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

NODE_NEEDED=20 # Debian 12 has 18
sources=$STACK_ROOT/tests/clients
packages=$STACK_ROOT/build/clients/$(cat "$sources"/package*.json "$0" |
	sha256sum | cut -c1-16)

# npm INSTALL_COMMAND...: in the directory $1, without what packages would run.
npm_in() {
	local directory=$1

	shift
	(cd "$directory" && npm "$@" --ignore-scripts --no-audit --no-fund \
		--fetch-retries=1 --cache "$directory/cache") \
		>>"$STACK_DIR/npm.log" 2>&1
}

# Whole or not at all: another run may be at it, and the first one's stays.
install_packages() {
	local new

	[ ! -d "$packages" ] || return 0
	mkdir -p "${packages%/*}" && new=$(mktemp -d "$packages.XXXXXX") ||
		return 1
	cp "$sources"/package*.json "$new/" && npm_in "$new" ci &&
		install_node "$new" && rm -rf "$new/cache" &&
		{ mv -T "$new" "$packages" 2>/dev/null || [ -d "$packages" ]; }
	set -- $?
	rm -rf "$new"
	return "$1"
}

# The clients need a newer one than Debian's: the registry has it as a package.
install_node() {
	local machine

	is_new_node node && return
	case $(uname -m) in
	aarch64) machine=arm64 ;;
	*) machine=x64 ;;
	esac
	mkdir "$1/node" && echo '{"private":true}' >"$1/node/package.json" &&
		npm_in "$1/node" install "node-linux-$machine@22" &&
		rm -rf "$1/node/cache" &&
		ln -s "node/node_modules/node-linux-$machine/bin/node" "$1/node.bin"
}

is_new_node() {
	"$1" -e 'process.exitCode =
		Number(parseInt(process.versions.node) < process.argv[1])' \
		"$NODE_NEEDED" >/dev/null 2>&1
}

stack_init || bail "no directory"
install_packages || bail "the clients cannot be installed"
stack_sim none || bail "no simulator"
# beside their packages, which is where Node looks for them
mkdir "$STACK_DIR/clients"
cp "$sources/clients.mjs" "$STACK_DIR/clients/" || bail "there are no clients"
ln -s "$packages/node_modules" "$STACK_DIR/clients/node_modules"
node=node
[ ! -e "$packages/node.bin" ] || node=$packages/node.bin
FLOWPIN_SIM_URL=$SIM_URL "$node" "$STACK_DIR/clients/clients.mjs"
status=$?
sanitizers_are_silent && exit "$status"
exit 1
