/* libfcgi's own accept loop lets a connection own its thread until the web
 * server closes it: 8 threads and 24 connections that are kept, or that say
 * nothing yet, leave 16 clients with nothing. So connections are accepted here
 * and watched with epoll (one shot); a worker gets one only while a request is
 * on it, and gives it back for watching. Only public fields of FCGX_Request are
 * used: ipcFd, keepConnection, listen_sock. SIGTERM is taken by a signalfd in
 * the accepting thread, since libfcgi would go on accepting through it. */
#include "fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

#define BACKLOG 4096 /* a short one turns bursts into 502s */
#define WORKER_STACK (256 * 1024)
#define SYSTEMD_FIRST_FD 3
#define PEER_TIMEOUT_S 5 /* a peer that starts a request and goes silent */

struct server {
	const struct fcgi_options *options;
	int epoll_fd;
	int stop_fd; /* readable for ever once wake_fd is closed */
	int wake_fd;
	pthread_mutex_t lock;
	pthread_cond_t left;
	pthread_t *threads; /* the workers */
	int count;
	int running;            /* workers that have not ended */
	atomic_bool is_closing; /* no connection is kept after its answer */
};

void
fcgi_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* systemd's socket activation: LISTEN_PID is us, LISTEN_FDS is one. */
static int
systemd_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || strtol(pid, NULL, 10) != (long)getpid() ||
	    strtol(fds, NULL, 10) < 1)
		return -1;
	return SYSTEMD_FIRST_FD;
}

/* A socket file that nobody listens on is left from a crash. Any other file is
 * somebody's, though connecting to it is refused just so. */
static bool
is_abandoned(const struct sockaddr_un *address)
{
	struct stat file;
	bool abandoned = false;
	int fd;

	if (lstat(address->sun_path, &file) || !S_ISSOCK(file.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		abandoned = errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return abandoned;
}

enum err
fcgi_listen(const struct fcgi_options *options, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = systemd_socket();
	mode_t mask;

	if (fd >= 0) {
		*out = fd;
		return OK;
	}
	if (strlen(options->socket) >= sizeof(address.sun_path))
		return err_set(ERR_CONFIG, "socket: the path is too long: %s",
		    options->socket);
	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s", options->socket);
	if (is_abandoned(&address))
		(void)unlink(options->socket); /* bind says if it did not */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(ERR_CONFIG, "socket: %s", strerror(errno));
	mask = umask(0117); /* nginx comes in through the group */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, BACKLOG)) {
		enum err err = err_set(ERR_CONFIG,
		    "socket: cannot listen on "
		    "%s: %s",
		    options->socket, strerror(errno));

		umask(mask);
		close(fd);
		return err;
	}
	umask(mask);
	*out = fd;
	return OK;
}

static const char *
param(FCGX_Request *fcgi, const char *name)
{
	const char *value = FCGX_GetParam(name, fcgi->envp);

	return value ? value : "";
}

/* Read what was announced, at most max; the rest is read and dropped, so that
 * the connection can be kept. False: the peer broke off. */
static bool
read_body(FCGX_Request *fcgi, size_t max, struct buf *body, bool *too_large)
{
	char chunk[8192];
	int n;

	*too_large = false;
	while ((n = FCGX_GetStr(chunk, sizeof(chunk), fcgi->in)) > 0) {
		if (*too_large || body->len + (size_t)n > max ||
		    buf_add(body, chunk, (size_t)n))
			*too_large = true;
	}
	return FCGX_GetError(fcgi->in) == 0;
}

/* Is the body as long as announced, in digits and nothing else? */
static bool
is_whole(const struct request *req)
{
	const char *text = req->content_length;

	if (!*text)
		return true;
	return text[strspn(text, "0123456789")] == '\0' &&
	       strtoull(text, NULL, 10) == req->body.len;
}

/* nginx's own id, so that both logs can be read together. */
static void
name_request(FCGX_Request *fcgi, struct request *req)
{
	const char *id = param(fcgi, "REQUEST_ID");

	if (strlen(id) >= sizeof(req->id) - 1 &&
	    strspn(id, "0123456789abcdef") == strlen(id))
		snprintf(req->id, sizeof(req->id), "%.16s", id);
	else
		snprintf(
		    req->id, sizeof(req->id), "%016" PRIx64, crypto_random());
}

static void
send_reply(
    FCGX_Request *fcgi, const struct request *req, const struct reply *reply)
{
	FCGX_FPrintF(fcgi->out, "Status: %d\r\nX-Request-Id: %s\r\n",
	    reply->status, req->id);
	FCGX_PutS("Cache-Control: no-store\r\n", fcgi->out);
	FCGX_PutS(reply->headers, fcgi->out);
	if (reply->status != 204) {
		FCGX_FPrintF(
		    fcgi->out, "Content-Type: %s\r\n", reply->content_type);
		FCGX_FPrintF(
		    fcgi->out, "Content-Length: %d\r\n", (int)reply->body.len);
	}
	FCGX_PutS("\r\n", fcgi->out);
	if (reply->status != 204 && reply->body.len &&
	    strcmp(req->method, "HEAD") != 0)
		FCGX_PutStr(reply->body.ptr, (int)reply->body.len, fcgi->out);
}

static void
log_line(const struct request *req, const struct reply *reply)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	const char *method = req->method;
	/* a person at night looks for what went wrong here */
	void (*log)(const char *fmt, ...) =
	    reply->status >= 500 ? log_warn : log_info;
	char path[256], user[48] = "", quoted[32];

	if (method[strspn(method, letters)] || strlen(method) > 16)
		method = log_quote(method, quoted, sizeof(quoted));
	if (req->user_id[0])
		snprintf(user, sizeof(user), " user=%s", req->user_id);
	log("req=%s method=%s path=%s status=%d ms=%" PRId64 "%s%s%s", req->id,
	    method, log_quote(req->path, path, sizeof(path)), reply->status,
	    clock_mono_ms() - req->start_ms, user, reply->note[0] ? " " : "",
	    reply->note);
}

static void
answer(struct server *server, FCGX_Request *fcgi)
{
	struct request req = { .method = param(fcgi, "REQUEST_METHOD"),
		.path = param(fcgi, "SCRIPT_NAME"),
		.query = param(fcgi, "QUERY_STRING"),
		.content_type = param(fcgi, "CONTENT_TYPE"),
		.content_length = param(fcgi, "CONTENT_LENGTH"),
		.authorization = param(fcgi, "HTTP_AUTHORIZATION"),
		.prefer = param(fcgi, "HTTP_PREFER"),
		.idempotency_key =
		    FCGX_GetParam("HTTP_IDEMPOTENCY_KEY", fcgi->envp),
		.origin = param(fcgi, "HTTP_ORIGIN"),
		.preflight_method =
		    param(fcgi, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
		.body = BUF_INIT(server->options->body_max + 1),
		.route = "",
		.start_ms = clock_mono_ms() };
	struct reply reply = REPLY_INIT;
	bool too_large;

	name_request(fcgi, &req);
	if (!read_body(
		fcgi, server->options->body_max, &req.body, &too_large)) {
		log_warn("req=%s msg=\"the request broke off\"", req.id);
		buf_done(&req.body);
		return;
	}
	if (too_large)
		req.trouble = ERR_TOOBIG;
	else if (!is_whole(&req))
		req.trouble = ERR_LENGTH;
	server->options->handle(server->options->context, &req, &reply);
	send_reply(fcgi, &req, &reply);
	log_line(&req, &reply);
	cJSON_Delete(req.json);
	buf_done(&req.body);
	buf_done(&reply.body);
}

/* One request on a connection that has become readable, then back to epoll. */
static void
serve_connection(struct server *server, FCGX_Request *fcgi, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };

	fcgi->ipcFd = fd;
	fcgi->keepConnection = 1;
	fcgi->listen_sock = -1; /* an error must not make it accept */
	if (FCGX_Accept_r(fcgi) < 0)
		return; /* closed by the peer, and by libfcgi */
	answer(server, fcgi);
	if (atomic_load(&server->is_closing))
		fcgi->keepConnection = 0;
	FCGX_Finish_r(fcgi);
	fd = fcgi->ipcFd;
	fcgi->ipcFd = -1;
	if (fd < 0)
		return; /* nginx did not want it kept */
	event.data.fd = fd;
	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, fd, &event))
		close(fd);
}

static void *
worker(void *arg)
{
	struct server *server = arg;
	struct epoll_event event;
	FCGX_Request fcgi;
	int stops = 0;

	FCGX_InitRequest(&fcgi, -1, 0);
	/* epoll takes ready descriptors in turn: seeing stop_fd twice in a row
	 * means that no request is waiting on a kept connection. */
	while (stops < 2) {
		int n = epoll_wait(server->epoll_fd, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		if (event.data.fd == server->stop_fd) {
			stops++;
			continue;
		}
		stops = 0;
		serve_connection(server, &fcgi, event.data.fd);
	}
	FCGX_Free(&fcgi, 0);
	pthread_mutex_lock(&server->lock);
	server->running--;
	pthread_cond_signal(&server->left);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}

static void
accept_all(struct server *server, int listen_fd)
{
	struct timeval limit = { .tv_sec = PEER_TIMEOUT_S };
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	int fd;

	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		event.data.fd = fd;
		if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event))
			close(fd);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
		log_error("msg=\"cannot accept: %s\"", strerror(errno));
		clock_sleep_ms(10); /* it stays readable: do not spin */
	}
}

/* Until a signal says stop. */
static void
accept_until_stopped(struct server *server, int listen_fd, int signal_fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int own = epoll_create1(EPOLL_CLOEXEC);

	event.data.fd = listen_fd;
	epoll_ctl(own, EPOLL_CTL_ADD, listen_fd, &event);
	event.data.fd = signal_fd;
	epoll_ctl(own, EPOLL_CTL_ADD, signal_fd, &event);
	for (;;) {
		int n = epoll_wait(own, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0 && event.data.fd == signal_fd)
			break;
		if (n > 0)
			accept_all(server, listen_fd);
	}
	close(own);
}

static enum err
start_workers(struct server *server)
{
	int workers = server->options->workers, failed = 0;
	pthread_attr_t attr;

	server->threads = calloc((size_t)workers, sizeof(*server->threads));
	if (!server->threads)
		return err_set(ERR_NOMEM, "no memory for %d workers", workers);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_mutex_lock(&server->lock);
	while (!failed && server->count < workers) {
		failed = pthread_create(
		    &server->threads[server->count], &attr, worker, server);
		server->count += !failed;
	}
	server->running = server->count;
	pthread_mutex_unlock(&server->lock);
	pthread_attr_destroy(&attr);
	if (failed && server->count == 0)
		return err_set(
		    ERR_CONFIG, "cannot start a thread: %s", strerror(failed));
	return OK;
}

/* Wait until every worker has finished its request, stop_ms at most, and then
 * for its thread to end, which clears away what libraries keep for it. */
static enum err
drain(struct server *server)
{
	int64_t deadline_ms = clock_mono_ms() + server->options->stop_ms;
	int left;

	pthread_mutex_lock(&server->lock);
	while (server->running > 0 &&
	       clock_wait(&server->left, &server->lock, deadline_ms))
		continue;
	left = server->running;
	pthread_mutex_unlock(&server->lock);
	if (left)
		return err_set(
		    ERR_TIMEOUT, "%d requests were still under way", left);
	for (int i = 0; i < server->count; i++)
		pthread_join(server->threads[i], NULL);
	free(server->threads);
	return OK;
}

static enum err
open_server(struct server *server, int listen_fd, int *signal_fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int pair[2];
	sigset_t set;

	pthread_mutex_init(&server->lock, NULL);
	clock_cond_init(&server->left);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	*signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (*signal_fd < 0 || server->epoll_fd < 0 || FCGX_Init() ||
	    pipe2(pair, O_CLOEXEC) || fcntl(listen_fd, F_SETFL, O_NONBLOCK))
		return err_set(
		    ERR_CONFIG, "cannot set up: %s", strerror(errno));
	server->stop_fd = pair[0];
	server->wake_fd = pair[1];
	event.data.fd = server->stop_fd;
	epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->stop_fd, &event);
	return OK;
}

enum err
fcgi_serve(const struct fcgi_options *options, int listen_fd)
{
	static struct server server; /* workers may outlive a late stop */
	int signal_fd = -1;
	enum err err;

	server.options = options;
	err = open_server(&server, listen_fd, &signal_fd);
	if (!err)
		err = start_workers(&server);
	if (err)
		return err;
	log_info("msg=\"ready\" workers=%d", server.running);
	accept_until_stopped(&server, listen_fd, signal_fd);
	log_info("msg=\"stopping\"");
	options->stopping(options->context);
	close(listen_fd);
	atomic_store(&server.is_closing, true);
	close(server.wake_fd);
	err = drain(&server);
	close(signal_fd);
	return err;
}
