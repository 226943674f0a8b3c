/* The poller: one pass over what is due, then exit. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/delivery/carry_out.h"
#include "core/log.h"
#include "core/program.h"
#include "claims.h"
#include "run.h"

#define RUNNER_STACK (512 * 1024)
#define SWEEP_LIMIT 64
#define TRIM_LIMIT 10000

static const struct program program = { "flowpin-poller",
	"one poll of every connection that is due, then exit",
	"  --connection ID  only this one, due or not\n" };

static volatile sig_atomic_t is_stopping;

struct pass {
	const struct poller *poller;
	struct claims claims;
	atomic_int failures; /* internal ones */
	atomic_int runs;
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
	if (!err)
		return;
	atomic_fetch_add(&pass->failures, 1);
	log_error("connection=%s msg=\"internal failure\" err=%s why=%s",
	    run->connection.id, err_name(err),
	    log_quote(err_text(), why, sizeof(why)));
}

/* Claim and poll until nothing is due. */
static void *
runner(void *arg)
{
	struct pass *pass = arg;
	bool found = true;
	char why[200];

	while (!is_stopping && found) {
		struct run run;
		enum err err = claims_take(&pass->claims, &run, &found);

		if (err) {
			log_error("msg=\"cannot claim\" why=%s",
			    log_quote(err_text(), why, sizeof(why)));
			atomic_fetch_add(&pass->failures, 1);
		}
		if (!found)
			break;
		poll_one(pass, &run);
		run_done(&run);
	}
	return NULL;
}

/* The calling thread is one of the runners; more come as long as there is
 * work for them. */
static void
poll_all(struct pass *pass)
{
	int limit = pass->claims.connection_id
			? 1
			: pass->poller->config->poll_concurrency;
	pthread_t *threads = calloc((size_t)limit, sizeof(*threads));
	pthread_attr_t attr;
	int n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, RUNNER_STACK);
	for (; threads && n < limit - 1; n++)
		if (pthread_create(&threads[n], &attr, runner, pass))
			break;
	runner(pass);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	free(threads);
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
	bool keeps = !pass->claims.connection_id &&
		     !pthread_create(&house, NULL, keep_house, pass);

	poll_all(pass);
	if (keeps)
		pthread_join(house, NULL);
}

static int
read_options(int argc, char **argv, int next, char connection_id[CRYPTO_UUID])
{
	connection_id[0] = '\0';
	for (; next < argc; next++) {
		if (strcmp(argv[next], "--connection")) {
			fprintf(stderr, "%s: no such option: %s (see --help)\n",
			    program.name, argv[next]);
			return 2;
		}
		if (++next == argc ||
		    !crypto_uuid_parse(argv[next], connection_id)) {
			fprintf(stderr, "%s: --connection needs an id\n",
			    program.name);
			return 2;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = stop };
	struct poller poller = { 0 };
	struct pass pass = { .poller = &poller };
	struct config config;
	char connection_id[CRYPTO_UUID];
	enum err err;
	int next, code = program_begin(&program, argc, argv, &next, &config);

	if (code >= 0)
		return code;
	code = read_options(argc, argv, next, connection_id);
	if (code) {
		config_done(&config);
		return code;
	}
	claims_init(
	    &pass.claims, &poller, connection_id[0] ? connection_id : NULL);
	program_guard_secrets();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	poller.config = &config;
	err = courier_open(&poller.courier, &config);
	if (!err)
		err = program_open_store(&program, &config, &poller.store);
	if (err) {
		program_fail(&program);
	} else {
		work(&pass);
		log_debug("msg=\"pass ended\" runs=%d failures=%d",
		    atomic_load(&pass.runs), atomic_load(&pass.failures));
	}
	claims_done(&pass.claims);
	db_pool_free(poller.store.pool);
	if (poller.courier.http)
		courier_close(&poller.courier);
	config_done(&config);
	return err || atomic_load(&pass.failures) ? 1 : 0;
}
