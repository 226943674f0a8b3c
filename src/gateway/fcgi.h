/* FastCGI: accepts connections of nginx, hands requests to a handler on many
 * threads, and stops when told to. The only room that knows libfcgi. */
#ifndef GATEWAY_FCGI_H
#define GATEWAY_FCGI_H

#include "request.h"

struct fcgi_options {
	const char *socket; /* path; unused when systemd hands one over */
	int workers;
	int stop_ms;
	size_t body_max;
	void (*handle)(void *context, struct request *req, struct reply *reply);
	/* told to stop: nothing new is to be begun from here on */
	void (*stopping)(void *context);
	void *context;
};

/* Open the socket, or take systemd's. ERR_CONFIG is one sentence. */
enum err fcgi_listen(const struct fcgi_options *options, int *fd) MUST_CHECK;

/* Serve until SIGTERM or SIGINT: then accept no more, finish what is under way
 * within stop_ms, return OK. ERR_TIMEOUT if something was still under way.
 * All signals must be blocked in every thread (fcgi_block_signals()). */
enum err fcgi_serve(
    const struct fcgi_options *options, int listen_fd) MUST_CHECK;

/* Before the first thread starts. */
void fcgi_block_signals(void);

#endif
