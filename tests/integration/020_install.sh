#!/bin/bash
# What `make install` puts in place holds together: the units are sound and
# closed, nginx takes the site, the sample configuration knows every setting.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The highest exposure that systemd-analyze may find, times ten.
EXPOSURE=25

install_all() {
	make -s -C "$STACK_ROOT" BUILD="$BUILD" ${SAN_FLAG:+"$SAN_FLAG"} \
		DESTDIR="$STACK_DIR/installed" PREFIX=/usr install \
		>"$STACK_DIR/install.log" 2>&1
}

test_everything_lands_under_its_prefix() {
	local file

	for file in usr/sbin/flowpin-gateway usr/sbin/flowpin-poller \
		usr/bin/flowpinctl etc/flowpin/flowpin.conf \
		usr/lib/systemd/system/flowpin-gateway.service \
		usr/lib/systemd/system/flowpin-gateway.socket \
		usr/lib/systemd/system/flowpin-poller.service \
		usr/lib/systemd/system/flowpin-poller.timer \
		usr/share/flowpin/sql/setup-db.sql \
		usr/share/flowpin/sql/gateway-role.sql \
		usr/share/flowpin/nginx/flowpin.conf \
		usr/share/flowpin/nginx/flowpin-locations.conf \
		usr/share/doc/flowpin/README.md \
		usr/share/doc/flowpin/deploy.md \
		usr/share/doc/flowpin/flowpin.md; do
		ok "$file is there" test -s "$STACK_DIR/installed/$file"
	done
	is "$(grep -rl '@PREFIX@' "$STACK_DIR/installed" --include='*.conf' \
		--include='flowpin*.*')" '' "no placeholder is left"
}

test_installing_again_keeps_the_configuration() {
	echo '# mine' >>"$STACK_DIR/installed/etc/flowpin/flowpin.conf"
	ok "installing again works" install_all
	is "$(tail -n 1 "$STACK_DIR/installed/etc/flowpin/flowpin.conf")" '# mine' \
		"what the operator wrote stays"
	is "$(stat -c %a "$STACK_DIR/installed/etc/flowpin/flowpin.conf")" 600 \
		"nobody else reads the password in it"
}

# verify looks at the host's own units for what ours name (sockets.target, ...):
# so it gets copies with our programs' paths put in.
test_systemd_takes_the_units() {
	local dir=$STACK_DIR/units unit said

	mkdir -p "$dir"
	for unit in "$STACK_DIR"/installed/usr/lib/systemd/system/flowpin-*; do
		sed "s|=/usr/sbin/|=$STACK_DIR/installed/usr/sbin/|" "$unit" \
			>"$dir/${unit##*/}"
	done
	said=$(systemd-analyze verify "$dir"/flowpin-gateway.service \
		"$dir"/flowpin-gateway.socket "$dir"/flowpin-poller.service \
		"$dir"/flowpin-poller.timer 2>&1) || flunk "verify accepts them"
	# of ours only: a host's own units are its own affair
	is "$(grep flowpin <<<"$said")" '' "and has nothing to say"
}

test_the_services_are_closed() {
	local unit score

	for unit in gateway poller; do
		score=$(systemd-analyze security --offline=true --no-pager \
			"$STACK_DIR/units/flowpin-$unit.service" 2>/dev/null |
			sed -nE 's/.*Overall exposure level.*: ([0-9]+)\.([0-9]).*/\1\2/p')
		like "$score" '^[0-9]+$' "$unit: exposure is told" || continue
		((10#$score < EXPOSURE)) ||
			flunk "$unit: exposure $score tenths is below $EXPOSURE"
	done
}

test_nginx_takes_the_site() {
	local dir=$STACK_DIR/site share=$STACK_DIR/installed/usr/share/flowpin/nginx

	mkdir -p "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -days 2 -subj /CN=flowpin.example.com \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	sed -e "s|/etc/letsencrypt/live/[^;]*/fullchain.pem|$dir/cert.pem|" \
		-e "s|/etc/letsencrypt/live/[^;]*/privkey.pem|$dir/key.pem|" \
		-e "s|/usr/share/flowpin/nginx|$share|" \
		-e "s|/var/log/nginx|$dir|" "$share/flowpin.conf" >"$dir/site.conf"
	# -t binds too, and an ordinary user has neither 80 nor 443: other ports
	sed -i -E "s/(listen (\[::\]:)?)80;/\1$(stack_port);/
		s/(listen (\[::\]:)?)443/\1$(stack_port)/" "$dir/site.conf"
	[ -e /proc/net/if_inet6 ] || sed -i '/listen \[::\]/d' "$dir/site.conf"
	cat >"$dir/nginx.conf" <<-CONF
		pid $dir/pid;
		events { }
		http {
			client_body_temp_path $dir/b;
			fastcgi_temp_path $dir/f;
			proxy_temp_path $dir/p;
			uwsgi_temp_path $dir/u;
			scgi_temp_path $dir/s;
			access_log off;
			include $dir/site.conf;
		}
	CONF
	nginx -t -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf" \
		>"$dir/said" 2>&1 || flunk "nginx -t: $(cat "$dir/said")"
	is "$(grep -c '\[warn\]\|\[emerg\]' "$dir/said")" 0 "without a warning"
}

# The programs' own table of settings, from their help: name, meaning, [default].
test_the_sample_configuration_names_every_setting() {
	local sample=$STACK_ROOT/deploy/flowpin.conf name want line known=''

	while read -r name want; do
		known+=" $name "
		line=$(grep -E "^#?$name =" "$sample") ||
			{
				flunk "the sample names $name"
				continue
			}
		[ "$name" = database_url ] && continue # an example, no default
		[ "$want" != none ] || want=''
		is "$line" "#$name =${want:+ $want}" "$name has its default"
	done < <("$STACK_BIN/flowpin-gateway" --help | sed -nE \
		's/^  ([a-z]+(_[a-z]+)*) +.*\[(.*)\]$/\1 \3/p')
	like "$known" ' poll_max_items ' "the help was understood"
	while read -r name; do
		like "$known" " $name " "$name is a setting"
	done < <(sed -nE 's/^#?([a-z_]+) =.*/\1/p' "$sample")
}

test_the_sample_configuration_works_as_it_is() {
	local said

	said=$(FLOWPIN_MASTER_KEY_FILES=$STACK_DIR/master.key \
		FLOWPIN_JWT_SECRET_FILES=$STACK_DIR/jwt.secret \
		"$STACK_BIN/flowpinctl" --config "$STACK_ROOT/deploy/flowpin.conf" \
		check-config 2>&1) || flunk "check-config: $said"
}

test_a_wrong_setting_is_named() {
	local said

	cp "$STACK_ROOT/deploy/flowpin.conf" "$STACK_DIR/wrong.conf"
	echo 'workers = many' >>"$STACK_DIR/wrong.conf"
	said=$("$STACK_BIN/flowpin-gateway" --config "$STACK_DIR/wrong.conf" \
		--check 2>&1) && flunk "it is refused"
	like "$said" "workers" "the sentence names it"
}

stack_init || bail "no directory"
# as it was built: the sanitizers' programs install like any others
[[ $STACK_BIN != */san ]] || SAN_FLAG=SAN=1
install_all || bail "make install: $(tail -n 5 "$STACK_DIR/install.log")"
run_tests
