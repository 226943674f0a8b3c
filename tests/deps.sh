#!/bin/bash
# Installs what building, testing and running need on Debian 12. When all of
# it is there it says nothing and asks no network.
#
# No service is started and no database cluster is made on the way: the tests
# and `make run` bring their own of both.
set -u

# package, and what shows that it is there: a program, a file (a pattern), or
# what pkg-config calls it. Looking for the thing rather than for the package
# leaves alone a machine that has it from elsewhere (nginx-full, a newer clang).
needs() {
	cat <<'LIST'
gcc                   program gcc
libc6-dev             file    /usr/include/stdio.h
make                  program make
pkg-config            program pkg-config
libfcgi-dev           file    /usr/include/fcgiapp.h
libcurl4-openssl-dev  library libcurl
libcjson-dev          library libcjson
libpq-dev             library libpq
libssl-dev            library openssl
libcjose-dev          file    /usr/include/cjose/cjose.h
libcmocka-dev         library cmocka
libmicrohttpd-dev     library libmicrohttpd
ca-certificates       file    /etc/ssl/certs/ca-certificates.crt
nginx-light           program nginx
postgresql            file    /usr/lib/postgresql/*/bin/initdb
postgresql-client     program psql
pgbouncer             program pgbouncer
jq                    program jq
bash-static           program bash-static
libjq-dev             file    /usr/include/jq.h
curl                  program curl
openssl               program openssl
perl                  program prove
python3               program python3
wrk                   program wrk
mawk                  program awk
util-linux            program setpriv
nodejs                program node
npm                   program npm
chromium              program chromium
clang-format          program clang-format
clang-tidy            program clang-tidy
shellcheck            program shellcheck
groff-base            program groff
cppcheck              program cppcheck
pyflakes3             program pyflakes3
codespell             program codespell
systemd               program systemd-analyze
LIST
}

has() {
	case $1 in
	program) command -v "$2" >/dev/null ;;
	library) pkg-config --exists "$2" 2>/dev/null ;;
	file) compgen -G "$2" >/dev/null ;;
	esac
}

missing() {
	local package kind what

	needs | while read -r package kind what; do
		has "$kind" "$what" || echo "$package"
	done
}

say() {
	echo "deps: $*" >&2
}

# As root. Debian starts a service as soon as its package is there; a policy
# that refuses is how one asks it not to. The host's own policy comes back.
install_packages() {
	local policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common
	local kept='' service before rc=0

	exec 9>/run/flowpin-deps.lock && flock 9 || return 1
	before=$(systemctl list-unit-files --no-legend 2>/dev/null)
	if [ -e "$policy" ]; then
		kept=$(mktemp) && cp -p "$policy" "$kept" || return 1
	fi
	# shellcheck disable=SC2064 # as they are now
	trap "restore_policy '$policy' '$kept'" EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" ||
		return 1
	if [ ! -e "$clusters/createcluster.conf" ]; then
		mkdir -p "$clusters" &&
			echo 'create_main_cluster = false' \
				>"$clusters/createcluster.conf" || return 1
	fi
	export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
	apt-get -q -o DPkg::Lock::Timeout=300 update >&2 &&
		apt-get -q -y -o DPkg::Lock::Timeout=300 \
			--no-install-recommends install "$@" >&2 || rc=1
	# Nor shall the next boot start what only the tests asked for.
	for service in nginx pgbouncer; do
		case $before in
		*"$service.service"*) ;;
		*) systemctl disable --quiet "$service" 2>/dev/null || true ;;
		esac
	done
	return $rc
}

restore_policy() {
	if [ -n "$2" ]; then
		mv -f "$2" "$1"
	else
		rm -f "$1"
	fi
}

# Daemons live in sbin, which an ordinary user's PATH on Debian leaves out.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ "${1:-}" = --install ]; then
	shift
	install_packages "$@"
	exit
fi

lacking=$(missing)
[ -z "$lacking" ] && exit 0
# shellcheck disable=SC2086 # one word per package
set -- $lacking

if ! command -v apt-get >/dev/null; then
	say "these Debian packages, or what they bring, are needed: $*"
	exit 1
fi
say "installing $*"
if [ "$EUID" = 0 ]; then
	bash "$0" --install "$@"
elif command -v sudo >/dev/null; then
	sudo bash "$0" --install "$@"
else
	say "cannot install without root or sudo; as root: apt-get install $*"
	exit 1
fi || {
	say "could not install $*"
	exit 1
}
lacking=$(missing | tr '\n' ' ')
if [ -n "$lacking" ]; then
	say "still missing after installing: $lacking"
	exit 1
fi
