/* The poller: one pass over what is due, then exit. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/crash.h"
#include "core/delivery/sweep.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/program.h"
#include "core/store/connection.h"
#include "core/sync/absence.h"
#include "claims.h"

#define RUNNER_STACK (512 * 1024)
#define LOOK_MS 200    /* a signal is seen as soon as that */
#define SWEEP_MS 20000 /* the next pass takes up the rest */
#define TRIM_LIMIT 10000
#define RECONCILE_LIMIT 10000

static const struct program program = { "flowpin-poller",
	"one poll of every connection that is due, then exit",
	"  --connection ID  poll only this connection, due or not\n"
	"  --dry-run        print what would be changed and why; change "
	"nothing\n",
	NULL };

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
	pthread_mutex_t lock;
	pthread_t *runners; /* those that were started */
	int count, limit;
	atomic_int failures; /* internal errors, not a provider's */
	atomic_int runs;
	bool is_watched; /* a person reads standard error */
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

static void *runner(void *arg);

/* Start another runner if there is work for it: most passes have work for
 * few. */
static void
start_runner(struct pass *pass)
{
	pthread_attr_t attr;

	if (!claims_left(&pass->claims))
		return;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, RUNNER_STACK);
	pthread_mutex_lock(&pass->lock);
	if (pass->count < pass->limit &&
	    !pthread_create(&pass->runners[pass->count], &attr, runner, pass))
		pass->count++;
	pthread_mutex_unlock(&pass->lock);
	pthread_attr_destroy(&attr);
}

/* Join also the runners that others start in the meantime. */
static void
join_runners(struct pass *pass)
{
	for (int i = 0;; i++) {
		bool is_there;
		pthread_t thread = 0;

		pthread_mutex_lock(&pass->lock);
		is_there = i < pass->count;
		if (is_there)
			thread = pass->runners[i];
		pthread_mutex_unlock(&pass->lock);
		if (!is_there)
			return;
		pthread_join(thread, NULL);
	}
}

/* Poll until nothing is due. A runner that got something to do starts the next
 * one. */
static void *
runner(void *arg)
{
	struct pass *pass = arg;
	struct run run = { 0 };
	enum err err;

	for (;;) {
		err = claims_take(&pass->claims, &run);
		if (err)
			break;
		start_runner(pass);
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

	pass->runners = calloc((size_t)limit, sizeof(*pass->runners));
	pass->limit = pass->runners ? limit - 1 : 0;
	pthread_mutex_init(&pass->lock, NULL);
	claims_init(&pass->claims, pass->poller, pass->limit + 1, &is_stopping);
	runner(pass);
	join_runners(pass);
	claims_done(&pass->claims);
	pthread_mutex_destroy(&pass->lock);
	free(pass->runners);
}

/* Poll only the connection that was named, due or not. */
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

/* Look at one connection after the other and print what a run would do. Nothing
 * is claimed, marked or cleaned up. */
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

static void
house_failed(struct pass *pass, const char *what)
{
	char why[200];

	log_error("msg=\"keeping house failed\" what=%s why=%s", what,
	    log_quote(err_text(), why, sizeof(why)));
	atomic_fetch_add(&pass->failures, 1);
}

/* What nobody took note of and what has been kept long enough; beside the
 * polls, which need not wait for it. One that fails does not keep the others
 * from being done. */
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

	if (reconcile_some(&pass->poller->store, RECONCILE_LIMIT))
		house_failed(pass, "reconciling");
	if (retention_trim(&pass->poller->store, &retention))
		house_failed(pass, "retention");
	return NULL;
}

/* What gateways left open is taken up beside the polls as well. NULL: it is
 * not. */
static struct sweep *
sweep_beside(struct pass *pass)
{
	const struct sweep_options options = { .store = &pass->poller->store,
		.courier = &pass->poller->courier,
		.limit_ms = SWEEP_MS };
	struct sweep *sweep;

	if (sweep_start(&options, &sweep))
		house_failed(pass, "writebacks");
	return sweep;
}

static void
end_sweep(struct pass *pass, struct sweep *sweep)
{
	int failures = 0;

	do {
		if (is_stopping)
			sweep_halt(sweep);
	} while (sweep_join(sweep, clock_mono_ms() + LOOK_MS, &failures));
	atomic_fetch_add(&pass->failures, failures);
}

/* A key that a client put into its row is sealed, and the row emptied. One that
 * cannot be is left where it is. */
static enum err
seal_plain_keys(const struct poller *poller)
{
	char after[CRYPTO_UUID] = "", why[200];
	enum err err = OK;

	while (!err && !is_stopping) {
		struct connection conn = { 0 };

		err = connection_plain(
		    &poller->store, *after ? after : NULL, &conn);
		if (!err) {
			snprintf(after, sizeof(after), "%s", conn.id);
			err = keys_seal(&poller->courier.keys, conn.key, &conn);
		}
		if (!err && connection_seal(&poller->store, &conn))
			log_warn("connection=%s msg=\"key not sealed\" why=%s",
			    conn.id, log_quote(err_text(), why, sizeof(why)));
		connection_done(&conn);
	}
	return err == ERR_NOTFOUND ? OK : err;
}

/* Take note of what clients did to connections where no trigger told of it. */
static void
note_connections(struct pass *pass)
{
	const struct poller *poller = pass->poller;
	char why[200];
	enum err err =
	    connection_note(&poller->store, pass->options.connection_id);

	if (!err && !strcmp(poller->config->api_keys, "seal"))
		err = seal_plain_keys(poller);
	if (!err)
		return;
	log_error("msg=\"connections cannot be taken note of\" why=%s",
	    log_quote(err_text(), why, sizeof(why)));
	atomic_fetch_add(&pass->failures, 1);
}

static void
work(struct pass *pass)
{
	struct sweep *sweep;
	pthread_t house;
	bool keeps;

	if (pass->options.is_dry_run) {
		preview(pass);
		return;
	}
	note_connections(pass);
	if (pass->options.connection_id) {
		poll_named(pass);
		return;
	}
	sweep = sweep_beside(pass);
	keeps = !pthread_create(&house, NULL, keep_house, pass);
	poll_due(pass);
	if (keeps)
		pthread_join(house, NULL);
	if (sweep)
		end_sweep(pass, sweep);
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
	poller->inbound.store = &poller->store;
	poller->inbound.courier = &poller->courier;
	err = absence_policy_parse(
	    config->complete_on, &poller->inbound.complete_on);
	if (!err)
		err = config_check_api_keys(config);
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
