#!/bin/bash
# The providers' own published clients against the simulator: what they accept is
# as close to the real services as a test comes without them. Their packages are
# those of tests/clients/package-lock.json, installed below build/ and kept there
# for the next run. Without a way to the npm registry, the first run fails.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=npm.sh
. "$(dirname "$0")/npm.sh"

NODE_NEEDED=20 # Debian 12 has 18
sources=$STACK_ROOT/tests/clients
packages=$STACK_ROOT/build/clients/$(cat "$sources"/package*.json "$0" |
	sha256sum | cut -c1-16)

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
install_packages "$sources" "$packages" install_node ||
	bail "the clients cannot be installed"
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
