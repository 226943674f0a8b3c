/* The gateway: FastCGI behind nginx. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/delivery/sweep.h"
#include "core/log.h"
#include "core/program.h"
#include "core/store/writeback.h"
#include "fcgi.h"
#include "gateway.h"

/* The second is for when something holds up the first. */
#define COMMIT_WRITERS 2

static const struct program program = { "flowpin-gateway",
	"completion calls of Flowpin, as FastCGI behind nginx",
	"  --check        check settings and database, and exit\n", NULL };

/* A database that is away when this starts is no reason to hang or to end:
 * calls are answered with 503 until it is there. */
static enum err
open_store(struct gateway *gateway, bool only_check)
{
	enum err err =
	    program_make_store(&program, gateway->config, &gateway->store);
	char why[300];

	if (!err)
		err = program_check_store(&gateway->store);
	if (err != ERR_DB || only_check)
		return err;
	log_error("msg=\"serving without the database until it is there\" "
		  "why=%s",
	    log_quote(err_text(), why, sizeof(why)));
	return OK;
}

static enum err
open_gateway(
    struct gateway *gateway, const struct config *config, bool only_check)
{
	enum err err = config_check_times(config);

	gateway->config = config;
	health_init(gateway);
	if (!err)
		err = config_check_api_keys(config);
	if (!err)
		err = config_check_origins(config);
	if (!err)
		err = program_open_verifier(config, &gateway->verifier);
	if (!err)
		err = courier_open(&gateway->courier, config);
	if (!err)
		err = open_store(gateway, only_check);
	if (!err)
		err = writeback_share(&gateway->store, COMMIT_WRITERS);
	if (!err)
		err = share_new((size_t)config->workers, &gateway->waits);
	if (!err)
		err = share_new((size_t)config->workers, &gateway->reads);
	if (!err && !only_check)
		err = keyring_start(gateway);
	return err;
}

static void
close_gateway(struct gateway *gateway)
{
	keyring_stop(gateway);
	writeback_unshare(&gateway->store);
	db_pool_free(gateway->store.pool);
	if (gateway->courier.http)
		courier_close(&gateway->courier);
	token_free(gateway->verifier);
	share_free(gateway->waits);
	share_free(gateway->reads);
	health_done(gateway);
}

/* A writeback that a sweeper took up has ended. */
static void
swept(void *context, const struct outbound *out)
{
	struct gateway *gateway = context;

	atomic_fetch_add(&gateway->metrics.swept, 1);
	if (out->is_owned)
		atomic_fetch_add(
		    &gateway->metrics.writebacks[out->verdict.ending], 1);
}

static enum err
start_sweep(struct gateway *gateway)
{
	const struct sweep_options options = { .store = &gateway->store,
		.courier = &gateway->courier,
		.interval_ms = gateway->config->sweep_ms,
		.ended = swept,
		.context = gateway };

	return sweep_start(&options, &gateway->sweep);
}

static void
halt(void *context)
{
	struct gateway *gateway = context;

	gateway->stop_by_ms = clock_mono_ms() + gateway->config->stop_ms;
	sweep_halt(gateway->sweep);
}

/* ERR_TIMEOUT: sweepers still use the gateway. */
static enum err
stop_sweep(struct gateway *gateway)
{
	enum err err;

	if (!gateway->sweep)
		return OK;
	if (!gateway->stop_by_ms)
		halt(gateway);
	err = sweep_join(gateway->sweep, gateway->stop_by_ms, NULL);
	if (!err)
		gateway->sweep = NULL;
	return err;
}

static enum err
serve(struct gateway *gateway)
{
	struct fcgi_options options = { .socket = gateway->config->socket,
		.workers = gateway->config->workers,
		.stop_ms = gateway->config->stop_ms,
		.body_max = (size_t)gateway->config->body_max_bytes,
		.handle = router_handle,
		.stopping = halt,
		.context = gateway };
	int fd = -1;
	enum err err = fcgi_listen(&options, &fd);

	if (!err)
		err = start_sweep(gateway);
	if (!err)
		err = fcgi_serve(&options, fd);
	if (!err)
		err = stop_sweep(gateway);
	return err;
}

int
main(int argc, char **argv)
{
	static struct gateway gateway; /* threads may outlive a late stop */
	static struct config config;
	bool only_check;
	enum err err;
	int next, code = program_begin(&program, argc, argv, &next, &config);

	if (code >= 0)
		return code;
	only_check = next < argc && !strcmp(argv[next], "--check");
	if (next + only_check < argc) {
		fprintf(stderr, "%s: no such option: %s (see --help)\n",
		    program.name, argv[next + only_check]);
		return 2;
	}
	program_guard_secrets();
	fcgi_block_signals();
	err = open_gateway(&gateway, &config, only_check);
	if (!err && only_check)
		printf("%s: settings and database are fine\n", program.name);
	else if (!err)
		err = serve(&gateway);
	if (err)
		program_fail(&program);
	/* what is still under way is left to its lease; no clean-up may take
	 * away what it uses */
	if (err == ERR_TIMEOUT || stop_sweep(&gateway))
		_exit(1);
	close_gateway(&gateway);
	config_done(&config);
	return err ? 1 : 0;
}
