/* The gateway: FastCGI behind nginx. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static enum err
open_gateway(
    struct gateway *gateway, const struct config *config, bool only_check)
{
	enum err err = config_check_times(config);

	gateway->config = config;
	if (!err)
		err = config_check_api_keys(config);
	if (!err)
		err = config_check_origins(config);
	if (!err)
		err = program_open_verifier(config, &gateway->verifier);
	if (!err)
		err = courier_open(&gateway->courier, config);
	if (!err)
		err = program_open_store(&program, config, &gateway->store);
	if (!err)
		err = writeback_share(&gateway->store, COMMIT_WRITERS);
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
}

static void
halt(void *context)
{
	sweeper_halt(context);
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
		err = sweeper_start(gateway);
	if (!err)
		err = fcgi_serve(&options, fd);
	if (!err)
		err = sweeper_stop(gateway);
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
	if (err == ERR_TIMEOUT || sweeper_stop(&gateway))
		_exit(1);
	close_gateway(&gateway);
	config_done(&config);
	return err ? 1 : 0;
}
