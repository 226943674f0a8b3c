#include "auth.h"

#include <string.h>

#include "control.h"
#include "http.h"
#include "state.h"

bool
auth_owns(const char *path)
{
	return strcmp(path, "/auth/v1/.well-known/jwks.json") == 0;
}

void
auth_serve(struct sim *sim, const struct request *req, struct answer *ans)
{
	int64_t delay_ms;

	(void)req;
	pthread_mutex_lock(&sim->lock);
	sim->keys.asked++;
	delay_ms = sim->keys.delay_ms;
	pthread_mutex_unlock(&sim->lock);
	http_sleep(sim->stop_fd, delay_ms);
	pthread_mutex_lock(&sim->lock);
	ans->status = sim->keys.status ? sim->keys.status : 200;
	answer_header(ans, "Cache-Control", "public, max-age=600");
	if (ans->status == 200)
		buf_fmt(&ans->body, "{\"keys\":%s}",
		    sim->keys.list ? sim->keys.list : "[]");
	pthread_mutex_unlock(&sim->lock);
}

void
control_keys_read(struct control *ct)
{
	json_open(ct->out, NULL, '{');
	json_int(ct->out, "asked", ct->sim->keys.asked);
	json_close(ct->out, '}');
}

void
control_keys_set(struct control *ct)
{
	const cJSON *keys = control_member(ct, "keys");
	const cJSON *status = control_member(ct, "status");
	const cJSON *delay = control_member(ct, "delay_ms");

	if (!control_check_keys(ct, "keys status delay_ms"))
		return;
	if ((keys && !cJSON_IsArray(keys)) ||
	    (status && !cJSON_IsNumber(status)) ||
	    (delay && !cJSON_IsNumber(delay))) {
		control_refuse(ct, 400,
		    "'keys' must be an array, 'status' and 'delay_ms' "
		    "numbers.");
		return;
	}
	if (keys) {
		char *text = cJSON_PrintUnformatted(keys);

		mem_set(&ct->sim->keys.list, text);
		cJSON_free(text);
	}
	ct->sim->keys.status = status ? (int)status->valuedouble : 0;
	ct->sim->keys.delay_ms = delay ? (int64_t)delay->valuedouble : 0;
	control_keys_read(ct);
}
