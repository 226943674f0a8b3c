/* http over TLS: certificates are verified although libcurl is told of no
 * bundle. The certificates are made here; each server is a thread that
 * answers every request with 200 and keeps the connection. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "core/clock.h"
#include "core/http.h"

#define PATIENCE_MS 5000

struct identity {
	X509 *cert;
	EVP_PKEY *key;
};

static struct identity authority, stranger;
static char authority_file[64], stranger_file[64], empty_file[64];

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_true(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
}

/* signer NULL: an authority that signs itself; otherwise a server's, for
 * alt_name, valid until now + seconds. */
static struct identity
identity_new(const char *name, const struct identity *signer,
    const char *alt_name, long seconds)
{
	static long serial = 1;
	struct identity id = { X509_new(), EVP_EC_gen("P-256") };
	X509 *issuer = signer != NULL ? signer->cert : id.cert;
	X509_NAME *subject;

	assert_non_null(id.cert);
	assert_non_null(id.key);
	(void)X509_set_version(id.cert, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
	(void)X509_gmtime_adj(X509_getm_notBefore(id.cert), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(id.cert), seconds);
	subject = X509_get_subject_name(id.cert);
	(void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(id.cert, X509_get_subject_name(issuer));
	(void)X509_set_pubkey(id.cert, id.key);
	if (signer == NULL)
		add_extension(
		    id.cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_extension(id.cert, issuer, NID_subject_alt_name, alt_name);
	assert_true(X509_sign(
	    id.cert, signer != NULL ? signer->key : id.key, EVP_sha256()));
	return id;
}

static void
identity_done(struct identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
}

static void
write_certificate(X509 *cert, char path[64])
{
	FILE *file;
	int fd;

	(void)snprintf(path, 64, "/tmp/flowpin-ca-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_non_null(file);
	if (cert != NULL)
		assert_true(PEM_write_X509(file, cert));
	assert_int_equal(fclose(file), 0);
}

static int
make_authorities(void **state)
{
	(void)state;
	authority = identity_new("Test CA", NULL, NULL, 86400);
	stranger = identity_new("Other CA", NULL, NULL, 86400);
	write_certificate(authority.cert, authority_file);
	write_certificate(stranger.cert, stranger_file);
	write_certificate(NULL, empty_file);
	return 0;
}

static int
drop_authorities(void **state)
{
	(void)state;
	identity_done(&authority);
	identity_done(&stranger);
	(void)unlink(authority_file);
	(void)unlink(stranger_file);
	(void)unlink(empty_file);
	return 0;
}

struct server {
	struct identity id;
	SSL_CTX *ctx; /* NULL: speaks no TLS */
	int listen_fd;
	unsigned port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int handshakes, requests;
};

static bool
wait_readable(struct server *s, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (!s->stop) {
		if (poll(&p, 1, 20) > 0)
			return true;
	}
	return false;
}

/* The requests here are small and without body: each comes in one read. */
static void
serve_tls(struct server *s, int fd)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	SSL *ssl = SSL_new(s->ctx);
	char request[4096];

	assert_non_null(ssl);
	(void)SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		s->handshakes++;
		while (wait_readable(s, fd) &&
		       SSL_read(ssl, request, sizeof(request)) > 0) {
			s->requests++;
			(void)SSL_write(ssl, answer, sizeof(answer) - 1);
		}
	}
	SSL_free(ssl);
}

static void *
server_main(void *cookie)
{
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	static const char plain[] = "220 not TLS\r\n";
	struct server *s = cookie;
	int fd;

	while (wait_readable(s, s->listen_fd)) {
		fd = accept(s->listen_fd, NULL, NULL);
		if (fd < 0)
			continue;
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (s->ctx != NULL)
			serve_tls(s, fd);
		else
			(void)send(fd, plain, sizeof(plain) - 1, MSG_NOSIGNAL);
		(void)close(fd);
	}
	return NULL;
}

static void
server_start(struct server *s, struct identity id)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	memset(s, 0, sizeof(*s));
	s->id = id;
	if (id.cert != NULL) {
		s->ctx = SSL_CTX_new(TLS_server_method());
		assert_non_null(s->ctx);
		assert_int_equal(SSL_CTX_use_certificate(s->ctx, id.cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, id.key), 1);
	}
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listen_fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listen_fd, 64), 0);
	assert_int_equal(getsockname(s->listen_fd, (void *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void
server_stop(struct server *s)
{
	s->stop = true;
	(void)pthread_join(s->thread, NULL);
	(void)close(s->listen_fd);
	SSL_CTX_free(s->ctx);
	identity_done(&s->id);
}

static struct http *
client_new(const char *ca_file, int max_handles)
{
	const struct http_options options = { .ca_file = ca_file,
		.user_agent = "flowpin-test/1",
		.connect_timeout_ms = PATIENCE_MS,
		.max_handles = max_handles };
	struct http *http = NULL;

	assert_int_equal(http_new(&options, &http), OK);
	return http;
}

static enum http_carried
post(struct http *http, const char *host, unsigned port)
{
	struct http_request req = HTTP_REQUEST_INIT;
	struct http_response res = HTTP_RESPONSE_INIT(100);

	req.method = HTTP_POST;
	assert_int_equal(buf_addf(&req.url, "https://%s:%u/", host, port), OK);
	assert_int_equal(
	    http_send(http, &req, clock_mono_ms() + PATIENCE_MS, &res), OK);
	if (res.carried == HTTP_ANSWERED)
		assert_int_equal(res.status, 200);
	else
		assert_true(res.why[0] != '\0');
	http_request_done(&req);
	http_response_done(&res);
	return res.carried;
}

static void
test_a_certificate_of_the_given_authority_is_accepted(void **state)
{
	struct http *http = client_new(authority_file, 1);
	struct server s;

	(void)state;
	server_start(&s, identity_new("server", &authority,
			     "IP:127.0.0.1,DNS:localhost", 86400));
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    post(http, "127.0.0.1", s.port), HTTP_ANSWERED);
	http_free(http);
	server_stop(&s);
	assert_int_equal(s.handshakes, 1); /* and the connection is kept */
	assert_int_equal(s.requests, 5);
}

static void
refused(struct identity id, const char *ca_file, const char *host)
{
	struct http *http = client_new(ca_file, 1);
	struct server s;

	server_start(&s, id);
	assert_int_equal(post(http, host, s.port), HTTP_NOT_SENT);
	/* Nor does the second try slip through, by a kept session. */
	assert_int_equal(post(http, host, s.port), HTTP_NOT_SENT);
	http_free(http);
	server_stop(&s);
	assert_int_equal(s.requests, 0);
}

static void
test_a_certificate_of_another_authority_is_refused(void **state)
{
	(void)state;
	refused(identity_new("server", &authority, "IP:127.0.0.1", 86400),
	    stranger_file, "127.0.0.1");
}

static void
test_an_unknown_authority_is_refused_by_the_systems_store(void **state)
{
	(void)state;
	refused(identity_new("server", &authority, "IP:127.0.0.1", 86400), NULL,
	    "127.0.0.1");
}

static void
test_a_certificate_for_another_host_is_refused(void **state)
{
	(void)state;
	refused(identity_new("server", &authority, "DNS:example.com", 86400),
	    authority_file, "127.0.0.1");
	refused(identity_new("localhost", &authority, "DNS:localhost.x", 86400),
	    authority_file, "localhost");
}

static void
test_an_expired_certificate_is_refused(void **state)
{
	(void)state;
	refused(identity_new("server", &authority, "IP:127.0.0.1", -60),
	    authority_file, "127.0.0.1");
}

static void
test_a_server_without_tls_is_sent_nothing(void **state)
{
	(void)state;
	refused((struct identity){ NULL, NULL }, authority_file, "127.0.0.1");
}

static void
test_a_certificate_file_that_cannot_be_read_stops_the_start(void **state)
{
	const char *const files[] = { "/nonexistent/ca.crt", empty_file,
		"/etc/passwd" };
	struct http_options options = { .connect_timeout_ms = 100,
		.max_handles = 1 };
	struct http *http = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		options.ca_file = files[i];
		assert_int_equal(http_new(&options, &http), ERR_CONFIG);
		assert_non_null(strstr(err_text(), files[i]));
		assert_null(http);
	}
}

struct poster {
	struct http *http;
	unsigned port[2];
	int answered;
};

static void *
post_often(void *cookie)
{
	struct poster *p = cookie;

	for (int i = 0; i < 20; i++)
		p->answered +=
		    post(p->http, "127.0.0.1", p->port[i % 2]) == HTTP_ANSWERED;
	return NULL;
}

/* One connection after the other at each server, so connections of a client
 * thread that still keeps one are served when that one's turn is over: with
 * one handle all threads share its two connections. */
static void
test_threads_share_handles_and_the_store(void **state)
{
	enum { THREADS = 4 };
	struct poster posters[THREADS];
	pthread_t threads[THREADS];
	struct http *http = client_new(authority_file, 1);
	struct server s[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		server_start(&s[i],
		    identity_new("server", &authority, "IP:127.0.0.1", 86400));
	for (int i = 0; i < THREADS; i++) {
		posters[i] =
		    (struct poster){ http, { s[0].port, s[1].port }, 0 };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, post_often, &posters[i]),
		    0);
	}
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(posters[i].answered, 20);
	}
	http_free(http);
	for (int i = 0; i < 2; i++) {
		server_stop(&s[i]);
		assert_int_equal(s[i].handshakes, 1);
		assert_int_equal(s[i].requests, THREADS * 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_certificate_of_the_given_authority_is_accepted),
		cmocka_unit_test(
		    test_a_certificate_of_another_authority_is_refused),
		cmocka_unit_test(
		    test_an_unknown_authority_is_refused_by_the_systems_store),
		cmocka_unit_test(
		    test_a_certificate_for_another_host_is_refused),
		cmocka_unit_test(test_an_expired_certificate_is_refused),
		cmocka_unit_test(test_a_server_without_tls_is_sent_nothing),
		cmocka_unit_test(
		    test_a_certificate_file_that_cannot_be_read_stops_the_start),
		cmocka_unit_test(test_threads_share_handles_and_the_store),
	};

	return cmocka_run_group_tests(
	    tests, make_authorities, drop_authorities);
}
