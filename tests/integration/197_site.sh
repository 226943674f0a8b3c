#!/bin/bash
# The site that is shipped for nginx, in front of a gateway: what it lets in, how much of
# it at once, and what it says to browsers.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# the_site: the shipped files, with paths, ports and a certificate of the test's.
the_site() {
	local dir=$STACK_DIR/site

	mkdir -p "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	HTTP=$(stack_port)
	HTTPS=$(stack_port)
	sed -E -e "s|/etc/letsencrypt/live/[^;]*/fullchain.pem|$dir/cert.pem|
		s|/etc/letsencrypt/live/[^;]*/privkey.pem|$dir/key.pem|
		s|@PREFIX@/share/flowpin/nginx|$STACK_ROOT/nginx|
		s|/run/flowpin/gateway.sock|$STACK_DIR/gateway.sock|
		s|/var/log/nginx|$dir|
		s|flowpin.example.com|localhost|
		/listen \[::\]/d
		s|listen 80;|listen 127.0.0.1:$HTTP;|
		s|listen 443|listen 127.0.0.1:$HTTPS|" \
		"$STACK_ROOT/nginx/flowpin.conf" >"$dir/site.conf"
	{
		[ "$EUID" != 0 ] || echo 'user root;'
		echo "daemon off; pid $dir/pid; events { worker_connections 2048; }
			http {
				client_body_temp_path $dir/b; fastcgi_temp_path $dir/f;
				proxy_temp_path $dir/p; uwsgi_temp_path $dir/u;
				scgi_temp_path $dir/s; include $dir/site.conf;
			}"
	} >"$dir/nginx.conf"
	stack_start site nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf"
	stack_await site test -s "$dir/pid"
}

# get URL [CURL OPTION...]: $STATUS, $HEADERS, $BODY.
get() {
	BODY=$(curl -sk -D "$STACK_DIR/headers" -w '\n%{http_code}' "$@")
	STATUS=${BODY##*$'\n'}
	BODY=${BODY%$'\n'*}
	HEADERS=$(tr -d '\r' <"$STACK_DIR/headers")
}

test_calls_come_by_https() {
	get "https://localhost:$HTTPS/healthz"
	is "$STATUS" 200 "it answers"
	is "$(header Strict-Transport-Security)" max-age=63072000 "browsers stay there"
	is "$(header X-Content-Type-Options)" nosniff "and guess no types"
	get "https://localhost:$HTTPS/v1/tasks"
	is "$STATUS" 401 "the gateway's own errors"
	is "$(header Strict-Transport-Security)" max-age=63072000 "have it, too"
	get "https://localhost:$HTTPS/metrics" --interface 127.0.0.1
	is "$STATUS" 200 "metrics are for the host itself"
}

test_a_token_in_the_clear_is_not_redirected() {
	get "http://localhost:$HTTP/v1/tasks" -H 'Authorization: Bearer x'
	is "$STATUS" 403 "it is refused"
	is "$(field .status)" 403 "with a problem: $BODY"
	get "http://localhost:$HTTP/anything"
	is "$STATUS $(header Location)" "308 https://localhost/anything" \
		"others are shown the way"
}

test_old_tls_and_weak_ciphers_are_refused() {
	local cipher

	get "https://localhost:$HTTPS/healthz" --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0'
	is "$STATUS" 000 "TLS 1.1"
	for cipher in AES128-GCM-SHA256 ECDHE-ECDSA-AES128-SHA; do
		get "https://localhost:$HTTPS/healthz" --tls-max 1.2 --ciphers "$cipher"
		is "$STATUS" 000 "$cipher"
	done
	get "https://localhost:$HTTPS/healthz" --tls-max 1.2 \
		--ciphers ECDHE-ECDSA-AES128-GCM-SHA256
	is "$STATUS" 200 "what is good is taken"
}

answers_again() {
	get "https://localhost:$HTTPS/healthz"
	[ "$STATUS" = 200 ]
}

# Requests whose bodies never come: a connection each.
test_an_address_has_so_many_connections_at_once() {
	local said

	said=$(python3 - "$HTTPS" "$TOKEN" <<-'PY'
		import select, socket, ssl, sys, time
		port, token = int(sys.argv[1]), sys.argv[2]
		context = ssl.create_default_context()
		context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
		context.maximum_version = ssl.TLSVersion.TLSv1_2  # no tickets to be read
		request = (f"POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\n"
		           f"Authorization: Bearer {token}\r\n"
		           "Content-Type: application/json\r\n"
		           "Content-Length: 10\r\n\r\n{").encode()
		socks = []
		for _ in range(120):
		    sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
		    sock.sendall(request)
		    socks.append(sock)
		waiting, refused, until = set(socks), 0, time.monotonic() + 8
		while refused < 20 and time.monotonic() < until:
		    for sock in select.select(list(waiting), [], [], 1)[0]:
		        waiting.discard(sock)
		        refused += sock.recv(100).startswith(b"HTTP/1.1 429 ")
		print(len(waiting), refused)
	PY
	)
	is "$said" '100 20' "a hundred wait, the others are refused"
	wait_until 20 answers_again || flunk "those who send nothing are let go"
}

# One address may have so many a second, and a burst.
test_an_address_that_asks_without_end_is_told_to_wait() {
	local said

	seq 600 | sed "s|.*|url = https://localhost:$HTTPS/healthz\noutput = /dev/null|" \
		>"$STACK_DIR/many"
	wait_until 20 answers_again || flunk "it answers again"
	sleep 4.1 # a whole burst is there again
	said=$(curl -sk --http1.1 -w '%{http_code}\n' -K "$STACK_DIR/many" | sort |
		uniq -c)
	like "$said" '[2-5][0-9]{2} 200' "a burst is answered: $said"
	like "$said" '[0-9]+ 429' "and then it is too much: $said"
	unlike "$said" ' (000|5..)' "nothing else"
	get "https://localhost:$HTTPS/healthz"
	if [ "$STATUS" = 429 ]; then
		is "$(header Retry-After) $(field .status)" "1 429" "as a problem: $BODY"
		is "$(header Strict-Transport-Security)" max-age=63072000 "all of it"
	fi
}

stack_init || bail "no directory"
stack_whole || bail "no stack"
the_site || bail "no site"
run_tests
