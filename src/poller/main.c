/* The poller: one pass over what is due, then exit. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crash.h"
#include "core/delivery/carry_out.h"
#include "core/log.h"
#include "core/program.h"
#include "core/sync/absence.h"
#include "claims.h"

#define RUNNER_STACK (512 * 1024)
#define SWEEP_LIMIT 64
#define TRIM_LIMIT 10000

static const struct program program = { "flowpin-poller",
	"one poll of every connection that is due, then exit",
	"  --connection ID  only this one, due or not\n"
	"  --dry-run        print what would be marked and why; change "
	"nothing\n" };

static volatile sig_atomic_t is_stopping;

struct options {
	const char *connection_id; /* NULL: all that are due */
	char id[CRYPTO_UUID];
	bool is_dry_run;
};

struct pass {
	const struct poller *poller;
	struct options options;
	struct claims claims;
	atomic_int failures; /* internal ones */
	atomic_int runs;
	bool is_watched; /* a person sees standard error */
};

static void
stop(int signal_number)
{
	(void)signal_number;
	is_stopping = 1;
}

static void
poll_one(struct pass *pass, struct run *run)
{
	char why[200];
	enum err err = run_poll(pass->poller, run);

	atomic_fetch_add(&pass->runs, 1);
	if (pass->is_watched)
		fprintf(stderr, "\r%s: %d connections polled ", program.name,
		    atomic_load(&pass->runs));
	if (!err)
		return;
	atomic_fetch_add(&pass->failures, 1);
	log_error("connection=%s msg=\"internal failure\" err=%s why=%s",
	    run->connection.id, err_name(err),
	    log_quote(err_text(), why, sizeof(why)));
}

static void
claim_failed(struct pass *pass)
{
	char why[200];

	log_error("msg=\"cannot claim\" why=%s",
	    log_quote(err_text(), why, sizeof(why)));
	atomic_fetch_add(&pass->failures, 1);
}

/* Poll until nothing is due. */
static void *
runner(void *arg)
{
	struct pass *pass = arg;
	struct run run = { 0 };
	enum err err;

	for (;;) {
		if (is_stopping)
			claims_close(&pass->claims);
		err = claims_take(&pass->claims, &run);
		if (err)
			break;
		poll_one(pass, &run);
		claims_end(&pass->claims, &run);
	}
	if (err != ERR_NOTFOUND)
		claim_failed(pass);
	return NULL;
}

/* The calling thread is one of the runners. */
static void
poll_due(struct pass *pass)
{
	int limit = pass->poller->config->poll_concurrency;
	pthread_t *threads = calloc((size_t)limit, sizeof(*threads));
	pthread_attr_t attr;
	int n = 0;

	claims_init(&pass->claims, pass->poller, limit);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, RUNNER_STACK);
	for (; threads && n < limit - 1; n++)
		if (pthread_create(&threads[n], &attr, runner, pass))
			break;
	runner(pass);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	claims_done(&pass->claims);
	free(threads);
}

/* Only the one that was named, due or not. */
static void
poll_named(struct pass *pass)
{
	const struct run_wanted wanted = { pass->options.connection_id, NULL };
	struct run *list = NULL;
	size_t n = 0;
	enum err err;

	crash_point("before_run");
	err = run_claim(&pass->poller->store, 1,
	    pass->poller->config->poll_lease_ms, &wanted, &list, &n);
	crash_point("after_run");
	if (err)
		claim_failed(pass);
	for (size_t i = 0; i < n; i++) {
		poll_one(pass, &list[i]);
		run_done(&list[i]);
	}
	free(list);
}

/* Claims nothing, marks nothing, keeps no house: one connection after the
 * other is looked at, and told about on standard output. */
static void
preview(struct pass *pass)
{
	const char *only = pass->options.connection_id;
	char after[CRYPTO_UUID] = "";
	enum err err = OK;

	while (!err && !is_stopping) {
		struct run run = { 0 };

		err = run_look(
		    &pass->poller->store, *after ? after : NULL, only, &run);
		if (!err) {
			snprintf(after, sizeof(after), "%s", run.connection.id);
			err = run_preview(pass->poller, &run);
		}
		run_done(&run);
	}
	if (err && err != ERR_NOTFOUND)
		claim_failed(pass);
}

/* What gateways left open. */
static enum err
sweep(const struct poller *poller)
{
	enum err err = OK;
	bool found = true;

	for (int i = 0; !err && found && !is_stopping && i < SWEEP_LIMIT; i++) {
		struct carried_out out;

		err = carry_out_due(
		    &poller->store, &poller->courier, &found, &out);
		carried_out_done(&out);
	}
	return err;
}

/* What gateways left open, and what has been kept long enough; beside the
 * polls, which need not wait for it. */
static void *
keep_house(void *arg)
{
	struct pass *pass = arg;
	const struct config *config = pass->poller->config;
	struct retention retention = {
		.writebacks_days = config->retain_writebacks_days,
		.runs_days = config->retain_runs_days,
		.events_days = config->retain_events_days,
		.idempotency_days = config->retain_idempotency_days,
		.limit = TRIM_LIMIT,
	};
	char why[200];
	enum err err = sweep(pass->poller);

	if (!err)
		err = retention_trim(&pass->poller->store, &retention);
	if (err) {
		log_error("msg=\"keeping house failed\" why=%s",
		    log_quote(err_text(), why, sizeof(why)));
		atomic_fetch_add(&pass->failures, 1);
	}
	return NULL;
}

static void
work(struct pass *pass)
{
	pthread_t house;
	bool keeps;

	if (pass->options.is_dry_run) {
		preview(pass);
		return;
	}
	if (pass->options.connection_id) {
		poll_named(pass);
		return;
	}
	keeps = !pthread_create(&house, NULL, keep_house, pass);
	poll_due(pass);
	if (keeps)
		pthread_join(house, NULL);
}

static int
read_options(int argc, char **argv, int next, struct options *out)
{
	for (; next < argc; next++) {
		if (!strcmp(argv[next], "--dry-run")) {
			out->is_dry_run = true;
			continue;
		}
		if (strcmp(argv[next], "--connection")) {
			fprintf(stderr, "%s: no such option: %s (see --help)\n",
			    program.name, argv[next]);
			return 2;
		}
		if (++next == argc || !crypto_uuid_parse(argv[next], out->id)) {
			fprintf(stderr, "%s: --connection needs an id\n",
			    program.name);
			return 2;
		}
		out->connection_id = out->id;
	}
	return 0;
}

static enum err
open_poller(struct poller *poller, const struct config *config)
{
	enum err err;

	poller->config = config;
	err = absence_policy_parse(config->complete_on, &poller->complete_on);
	if (!err)
		err = courier_open(&poller->courier, config);
	if (!err)
		err = program_open_store(&program, config, &poller->store);
	if (!err)
		err = run_share(&poller->store);
	return err;
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	struct poller poller = { 0 };
	struct pass pass = { .poller = &poller };
	struct config config;
	enum err err;
	int next, code = program_begin(&program, argc, argv, &next, &config);

	if (code >= 0)
		return code;
	code = read_options(argc, argv, next, &pass.options);
	if (code) {
		config_done(&config);
		return code;
	}
	pass.is_watched = isatty(STDERR_FILENO);
	program_guard_secrets();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	err = open_poller(&poller, &config);
	if (err) {
		program_fail(&program);
	} else {
		work(&pass);
		if (pass.is_watched)
			fputc('\n', stderr);
		log_debug("msg=\"pass ended\" runs=%d failures=%d",
		    atomic_load(&pass.runs), atomic_load(&pass.failures));
	}
	run_unshare(&poller.store);
	db_pool_free(poller.store.pool);
	if (poller.courier.http)
		courier_close(&poller.courier);
	config_done(&config);
	return err || atomic_load(&pass.failures) ? 1 : 0;
}
