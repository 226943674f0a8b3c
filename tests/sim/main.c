/*
 * flowpin-sim: Todoist, Linear and Attio on one loopback port, with faults
 * on request. For tests and demonstrations only: it keeps everything in
 * memory, knows no TLS and listens on 127.0.0.1 alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth.h"
#include "call.h"
#include "control.h"
#include "manual.h"
#include "reqlog.h"

struct options {
	int64_t port;
	const char *port_file;
	int64_t seed; /* negative: a random one */
	bool quiet;
};

static const struct provider *const providers[] = {
	&provider_todoist,
	&provider_linear,
	&provider_attio,
};

static void
no_such_path(struct answer *ans)
{
	ans->status = 404;
	buf_puts(&ans->body,
	    "{\"error\":\"There is nothing here: the simulator serves "
	    "/api/v1/, /graphql, /v2/, /auth/v1/ and /_sim/.\"}");
}

static void
handle(void *arg, const struct request *req, struct answer *ans)
{
	struct sim *sim = arg;
	size_t i;

	if (control_owns(req->path)) {
		control_serve(sim, req, ans);
		return;
	}
	if (auth_owns(req->path)) {
		auth_serve(sim, req, ans);
		return;
	}
	for (i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		if (!providers[i]->owns(req->path))
			continue;
		call_serve(sim, providers[i], req, ans);
		return;
	}
	no_such_path(ans);
}

/* One sentence, exit status 2: the caller's mistake. */
static void __attribute__((noreturn))
usage_error(const char *what, const char *which)
{
	fprintf(stderr, "flowpin-sim: %s '%s'; see --help.\n", what, which);
	exit(2);
}

static const char *
value_of(char **argv, int *i)
{
	if (!argv[*i + 1])
		usage_error("a value is missing after", argv[*i]);
	return argv[++*i];
}

static void
read_options(char **argv, struct options *opt)
{
	int i;

	for (i = 1; argv[i]; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(manual_text, stdout);
			exit(0);
		} else if (strcmp(argv[i], "--version") == 0) {
			puts("flowpin-sim 0.1.0");
			exit(0);
		} else if (strcmp(argv[i], "--quiet") == 0) {
			opt->quiet = true;
		} else if (strcmp(argv[i], "--port") == 0) {
			const char *v = value_of(argv, &i);

			if (!number_read(v, 0, 65535, &opt->port))
				usage_error("not a port:", v);
		} else if (strcmp(argv[i], "--seed") == 0) {
			const char *v = value_of(argv, &i);

			if (!number_read(v, 0, INT64_MAX, &opt->seed))
				usage_error("not a seed:", v);
		} else if (strcmp(argv[i], "--port-file") == 0) {
			opt->port_file = value_of(argv, &i);
		} else {
			usage_error("unknown option", argv[i]);
		}
	}
}

static uint64_t
choose_seed(const struct options *opt)
{
	uint64_t seed = 0;

	if (opt->seed >= 0)
		return (uint64_t)opt->seed;
	(void)!getrandom(&seed, sizeof(seed), 0);
	return seed;
}

/* Whole or not at all: whoever waits for the file reads it at once. */
static bool
write_port_file(const char *path, uint16_t port)
{
	struct buf tmp = { 0 };
	bool ok = false;
	FILE *f;

	buf_fmt(&tmp, "%s.%ld.tmp", path, (long)getpid());
	f = fopen(tmp.ptr, "we");
	if (f) {
		ok = fprintf(f, "%u\n", port) > 0;
		ok = fclose(f) == 0 && ok;
		ok = ok && rename(tmp.ptr, path) == 0;
		if (!ok)
			(void)unlink(tmp.ptr);
	}
	if (!ok)
		fprintf(stderr, "flowpin-sim: cannot write %s: %s.\n", path,
		    strerror(errno));
	buf_done(&tmp);
	return ok;
}

/* Blocked in every thread, so that only the wait below sees them. */
static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Hanging requests each keep a descriptor: as many as we may have. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
serve(struct sim *sim, const struct options *opt, const sigset_t *set)
{
	struct http *http = http_start((uint16_t)opt->port, handle, sim);
	uint64_t one = 1;
	int sig;

	if (!http) {
		fprintf(stderr, "flowpin-sim: cannot listen on port %d: %s.\n",
		    (int)opt->port, strerror(errno));
		return 1;
	}
	if (opt->port_file &&
	    !write_port_file(opt->port_file, http_port(http))) {
		http_stop(http);
		return 1;
	}
	if (!opt->quiet) {
		printf("flowpin-sim listening on http://127.0.0.1:%u\n",
		    http_port(http));
		fflush(stdout);
	}
	sigwait(set, &sig);
	(void)!write(sim->stop_fd, &one, sizeof(one));
	http_stop(http);
	return 0;
}

int
main(int argc, char **argv)
{
	struct options opt = { .seed = -1 };
	struct sim sim = { 0 };
	sigset_t set;
	int rc;

	(void)argc;
	read_options(argv, &opt);
	block_signals(&set);
	raise_file_limit();
	state_init(&sim, choose_seed(&opt));
	sim.log = reqlog_new();
	sim.faults = faults_new();
	sim.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = serve(&sim, &opt, &set);
	close(sim.stop_fd);
	reqlog_free(sim.log);
	faults_free(sim.faults);
	state_done(&sim);
	return rc;
}
