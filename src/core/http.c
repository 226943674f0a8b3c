/* HTTP on libcurl's easy interface: a thread borrows a handle, sends one
 * request, gives the handle back. The handle that came back last is lent first,
 * so that at low load few handles are in use and their kept connections stay
 * warm. DNS answers and TLS sessions are shared between handles; connections
 * are not, since libcurl 7.88 cannot share those between threads.
 *
 * The one invariant: a request other than GET is sent at most once per
 * http_send(). libcurl by itself sends a request again when a kept connection
 * dies without an answer, though the server may have done what it was asked. */
#include "core/http.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <curl/curl.h>
#include <openssl/ssl.h>

#include "core/clock.h"
#include "core/crypto.h"
#include "http_text.h"

#define DEFAULT_CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define KEPT_CONNECTIONS 4L   /* per handle; enough for all providers' hosts */
#define KEPT_IDLE_SECONDS 50L /* less than their proxies allow */
#define KEEPALIVE_SECONDS 30L

struct http {
	CURLSH *shared;
	pthread_mutex_t shared_locks[CURL_LOCK_DATA_LAST];
	X509_STORE *store;
	char *user_agent;
	int connect_timeout_ms;
	int max_handles;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t freed;
	CURL **idle; /* a stack */
	int idle_count, handle_count;
};

/* What the callbacks of one request know. */
struct exchange {
	const struct http_request *req;
	struct http_response *res;
	int sends;       /* how often the request was about to go out */
	bool is_too_big; /* the answer's body */
	char reason[CURL_ERROR_SIZE];
};

void
http_request_done(struct http_request *req)
{
	crypto_wipe(req->authorization.ptr, req->authorization.cap);
	buf_done(&req->url);
	buf_done(&req->authorization);
	buf_done(&req->body);
}

void
http_response_done(struct http_response *res)
{
	buf_done(&res->body);
}

static void
lock_shared(
    CURL *easy, curl_lock_data data, curl_lock_access access, void *cookie)
{
	struct http *http = cookie;

	(void)easy;
	(void)access;
	(void)pthread_mutex_lock(&http->shared_locks[data]);
}

static void
unlock_shared(CURL *easy, curl_lock_data data, void *cookie)
{
	struct http *http = cookie;

	(void)easy;
	(void)pthread_mutex_unlock(&http->shared_locks[data]);
}

static enum err
share_new(struct http *http)
{
	CURLSH *shared = curl_share_init();

	if (shared == NULL)
		return err_set(ERR_NOMEM, "libcurl: no memory");
	http->shared = shared;
	if (curl_share_setopt(shared, CURLSHOPT_LOCKFUNC, lock_shared) ||
	    curl_share_setopt(shared, CURLSHOPT_UNLOCKFUNC, unlock_shared) ||
	    curl_share_setopt(shared, CURLSHOPT_USERDATA, http) ||
	    curl_share_setopt(shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ||
	    curl_share_setopt(
		shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
		return err_set(ERR_BUG, "libcurl shares nothing");
	return OK;
}

/* Parse the certificates once for the process. Where the distribution has no
 * file at Debian's path, use OpenSSL's default places. */
static enum err
store_new(const char *ca_file, X509_STORE **out)
{
	const char *path = ca_file != NULL ? ca_file : DEFAULT_CA_FILE;
	X509_STORE *store = X509_STORE_new();
	int ok;

	if (store == NULL)
		return err_set(ERR_NOMEM, "no memory for certificates");
	ok = X509_STORE_load_file(store, path);
	if (!ok && ca_file == NULL)
		ok = X509_STORE_set_default_paths(store);
	/* As in libcurl's own stores: a trusted intermediate is an anchor. */
	if (!ok || !X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN)) {
		X509_STORE_free(store);
		return err_set(
		    ERR_CONFIG, "cannot read certificates from %s", path);
	}
	*out = store;
	return OK;
}

static enum err
pool_init(struct http *http)
{
	for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
		(void)pthread_mutex_init(&http->shared_locks[i], NULL);
	(void)pthread_mutex_init(&http->lock, NULL);
	clock_cond_init(&http->freed);
	http->idle = calloc((size_t)http->max_handles, sizeof(CURL *));
	if (http->idle == NULL)
		return err_set(ERR_NOMEM, "no memory for handles");
	return OK;
}

/* OpenSSL writes to sockets with write(2), and libcurl with CURLOPT_NOSIGNAL
 * does not block SIGPIPE for it: a peer that went away would kill the
 * process. */
static void
ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) != 0 ||
	    action.sa_handler != SIG_DFL)
		return; /* the process has decided already */
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
}

enum err
http_new(const struct http_options *options, struct http **out)
{
	struct http *http;
	enum err err;

	assert(options->max_handles > 0 && options->connect_timeout_ms > 0);
	ignore_sigpipe();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(ERR_NOMEM, "libcurl does not start");
	http = calloc(1, sizeof(*http));
	if (http == NULL) {
		curl_global_cleanup();
		return err_set(ERR_NOMEM, "no memory for HTTP");
	}
	http->max_handles = options->max_handles;
	http->connect_timeout_ms = options->connect_timeout_ms;
	err = pool_init(http);
	if (err)
		goto out;
	http->user_agent = strdup(
	    options->user_agent != NULL ? options->user_agent : "flowpin");
	if (http->user_agent == NULL) {
		err = err_set(ERR_NOMEM, "no memory for HTTP");
		goto out;
	}
	err = store_new(options->ca_file, &http->store);
	if (err)
		goto out;
	err = share_new(http);
	if (err)
		goto out;
	*out = http;
	http = NULL; /* the caller's now */
out:
	http_free(http);
	return err;
}

void
http_free(struct http *http)
{
	if (http == NULL)
		return;
	assert(http->idle_count == http->handle_count);
	for (int i = 0; i < http->idle_count; i++)
		curl_easy_cleanup(http->idle[i]);
	free(http->idle);
	(void)curl_share_cleanup(http->shared); /* after its users */
	X509_STORE_free(http->store);
	free(http->user_agent);
	for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++)
		(void)pthread_mutex_destroy(&http->shared_locks[i]);
	(void)pthread_cond_destroy(&http->freed);
	(void)pthread_mutex_destroy(&http->lock);
	free(http);
	curl_global_cleanup();
}

/* A handle. NULL: all were busy until the deadline (*out_of_memory false), or a
 * new one could not be made (true). */
static CURL *
handle_borrow(struct http *http, int64_t deadline_ms, bool *out_of_memory)
{
	CURL *easy = NULL;

	*out_of_memory = false;
	(void)pthread_mutex_lock(&http->lock);
	while (http->idle_count == 0 &&
	       http->handle_count == http->max_handles &&
	       clock_wait(&http->freed, &http->lock, deadline_ms))
		continue;
	if (http->idle_count > 0) {
		easy = http->idle[--http->idle_count];
	} else if (http->handle_count < http->max_handles) {
		easy = curl_easy_init();
		if (easy != NULL)
			http->handle_count++;
		*out_of_memory = easy == NULL;
	}
	(void)pthread_mutex_unlock(&http->lock);
	return easy;
}

static void
handle_return(struct http *http, CURL *easy)
{
	/* Forget the request and its pointers; connections stay. */
	curl_easy_reset(easy);
	(void)pthread_mutex_lock(&http->lock);
	http->idle[http->idle_count++] = easy;
	(void)pthread_cond_signal(&http->freed);
	(void)pthread_mutex_unlock(&http->lock);
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *cookie)
{
	struct exchange *x = cookie;
	enum err err = buf_add(&x->res->body, bytes, size * count);

	if (err == ERR_TOOBIG)
		x->is_too_big = true;
	return err ? 0 : size * count;
}

/* libcurl calls this each time before it sends the request. The second time it
 * is sending it again, which only a request that reads may be. */
static int
before_send(void *cookie, char *remote_ip, char *local_ip, int remote_port,
    int local_port)
{
	struct exchange *x = cookie;

	(void)remote_ip;
	(void)local_ip;
	(void)remote_port;
	(void)local_port;
	if (x->sends > 0 && x->req->method != HTTP_GET)
		return CURL_PREREQFUNC_ABORT;
	x->sends++;
	return CURL_PREREQFUNC_OK;
}

/* Give a new TLS connection the shared store. libcurl is given no certificates
 * itself, so without this none would verify. */
static CURLcode
use_store(CURL *easy, void *ssl_ctx, void *cookie)
{
	struct http *http = cookie;

	(void)easy;
	SSL_CTX_set1_cert_store(ssl_ctx, http->store); /* takes a reference */
	return CURLE_OK;
}

/* libcurl's options are variadic: the compiler does not see a wrong type, but a
 * refused option is seen here. Each setter returns false if one was refused. */
#define SET(option, value)                                                     \
	(curl_easy_setopt(easy, CURLOPT_##option, value) == CURLE_OK)

static bool
set_connection(struct http *http, CURL *easy)
{
	/* QUICK_EXIT: a resolver's thread is not waited for when time is over
	 */
	return SET(SHARE, http->shared) && SET(NOSIGNAL, 1L) &&
	       SET(QUICK_EXIT, 1L) && SET(PROXY, "") && SET(NOPROXY, "*") &&
	       SET(FOLLOWLOCATION, 0L) && SET(PROTOCOLS_STR, "http,https") &&
	       SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
	       SET(MAXCONNECTS, KEPT_CONNECTIONS) &&
	       SET(MAXAGE_CONN, KEPT_IDLE_SECONDS) && SET(TCP_NODELAY, 1L) &&
	       SET(TCP_KEEPALIVE, 1L) && SET(TCP_KEEPIDLE, KEEPALIVE_SECONDS) &&
	       SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 2L) &&
	       SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       SET(CAINFO, NULL) && SET(CAPATH, NULL) &&
	       SET(SSL_CTX_FUNCTION, use_store) && SET(SSL_CTX_DATA, http) &&
	       SET(USERAGENT, http->user_agent);
}

static bool
set_exchange(CURL *easy, struct exchange *x)
{
	const size_t max = x->res->body.max;

	/* With a Content-Length libcurl refuses a large body before reading
	 * it. */
	return SET(MAXFILESIZE_LARGE, (curl_off_t)max) &&
	       SET(WRITEFUNCTION, take_body) && SET(WRITEDATA, x) &&
	       SET(PREREQFUNCTION, before_send) && SET(PREREQDATA, x) &&
	       SET(ERRORBUFFER, x->reason);
}

static bool
set_times(const struct http *http, CURL *easy, int64_t left_ms)
{
	long total = left_ms < INT32_MAX ? (long)left_ms : INT32_MAX;
	long connect = http->connect_timeout_ms;

	return SET(TIMEOUT_MS, total) &&
	       SET(CONNECTTIMEOUT_MS, connect < total ? connect : total);
}

static bool
set_request(
    CURL *easy, const struct http_request *req, struct curl_slist *headers)
{
	const char *body = req->has_body ? req->body.ptr : NULL;
	curl_off_t len = req->has_body ? (curl_off_t)req->body.len : 0;

	if (!SET(URL, req->url.ptr) || !SET(HTTPHEADER, headers))
		return false;
	if (req->method == HTTP_GET)
		return SET(HTTPGET, 1L);
	return SET(POST, 1L) && SET(POSTFIELDSIZE_LARGE, len) &&
	       SET(POSTFIELDS, body != NULL ? body : "") &&
	       (req->method != HTTP_PATCH || SET(CUSTOMREQUEST, "PATCH"));
}

/* Set everything that one request needs. False: no memory, or a libcurl that we
 * were not built for. */
static bool
set_all(struct http *http, CURL *easy, struct exchange *x,
    struct curl_slist *headers, int64_t left_ms)
{
	return set_connection(http, easy) && set_exchange(easy, x) &&
	       set_times(http, easy, left_ms) &&
	       set_request(easy, x->req, headers);
}

/* There was no whole answer: say how far the request came, and leave nothing
 * that could be taken for an answer. */
static void
fail(struct http_response *res, enum http_carried carried, const char *kind,
    const char *why)
{
	res->carried = carried;
	res->status = 0;
	buf_clear(&res->body);
	(void)snprintf(res->why, sizeof(res->why), "%s%.140s", kind, why);
}

static void
read_failure(const struct exchange *x, CURLcode rc)
{
	/* libcurl calls before_send() before it sends anything of the request,
	 * after connecting and the TLS handshake. */
	enum http_carried carried =
	    x->sends == 0 ? HTTP_NOT_SENT : HTTP_NO_ANSWER;
	const char *why =
	    x->reason[0] != '\0' ? x->reason : curl_easy_strerror(rc);

	x->res->is_too_large = x->is_too_big || rc == CURLE_FILESIZE_EXCEEDED;
	if (x->res->is_too_large)
		fail(x->res, carried, "", "answer too large");
	else if (rc == CURLE_ABORTED_BY_CALLBACK)
		fail(x->res, carried, "", "kept connection died, not resent");
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		fail(x->res, carried, "timeout: ", why);
	else
		fail(x->res, carried, "", why);
}

/* Send a request on a borrowed handle, and take the answer. */
static enum err
perform(struct http *http, CURL *easy, struct exchange *x, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_mono_ms();
	struct curl_slist *headers = NULL;
	enum err err;
	CURLcode rc;

	if (left_ms < 1) {
		fail(x->res, HTTP_NOT_SENT, "timeout: ", "no time left");
		return OK;
	}
	err = http_headers_new(x->req, &headers);
	if (err)
		return err;
	if (!set_all(http, easy, x, headers, left_ms)) {
		err = err_set(ERR_NOMEM, "libcurl refuses an option");
		goto out;
	}
	rc = curl_easy_perform(easy);
	if (rc == CURLE_OK)
		http_read_answer(easy, x->res);
	else
		read_failure(x, rc);
out:
	http_headers_free(headers);
	return err;
}

/* Refuse what libcurl could misread: a line break in a key would begin another
 * header. */
static enum err
check_request(const struct http_request *req)
{
	if (req->url.ptr == NULL || strlen(req->url.ptr) != req->url.len ||
	    !http_url_allowed(req->url.ptr))
		return err_set(ERR_CONFIG, "URL not allowed");
	for (size_t i = 0; i < req->authorization.len; i++) {
		unsigned char c = (unsigned char)req->authorization.ptr[i];
		if (c < 0x20 || c == 0x7f)
			return err_set(ERR_INPUT, "key has a control byte");
	}
	return OK;
}

enum err
http_send(struct http *http, const struct http_request *req,
    int64_t deadline_ms, struct http_response *res)
{
	struct exchange x = { .req = req, .res = res };
	bool out_of_memory;
	enum err err;
	CURL *easy;

	/* res may have served an earlier request. */
	buf_clear(&res->body);
	res->carried = HTTP_NOT_SENT;
	res->status = 0;
	res->content_type[0] = res->why[0] = '\0';
	res->retry_after_ms = -1;
	res->reset_at_ms = 0;
	res->now_ms = 0;
	err = check_request(req);
	if (err)
		return err;
	easy = handle_borrow(http, deadline_ms, &out_of_memory);
	if (out_of_memory)
		return err_set(ERR_NOMEM, "no memory for a handle");
	if (easy == NULL) {
		fail(res, HTTP_NOT_SENT, "timeout: ", "no free handle");
		return OK;
	}
	err = perform(http, easy, &x, deadline_ms);
	handle_return(http, easy);
	return err;
}
