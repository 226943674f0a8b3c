/* One row per key: the call that inserts it runs the request. */
#include "core/store/idempotency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"

void
kept_answer_done(struct kept_answer *answer)
{
	free(answer->content_type);
	free(answer->headers);
	free(answer->body);
	memset(answer, 0, sizeof(*answer));
}

static char *
copy(const char *text)
{
	return strdup(text ? text : "");
}

static enum err
read_answer(const struct rows *rows, struct kept_answer *answer)
{
	answer->status = (int)rows_int(rows, 0, "status");
	answer->content_type = copy(rows_text(rows, 0, "content_type"));
	answer->headers = copy(rows_text(rows, 0, "headers"));
	answer->body = copy(rows_text(rows, 0, "body"));
	if (answer->content_type && answer->headers && answer->body)
		return OK;
	kept_answer_done(answer);
	return err_set(ERR_NOMEM, "no memory for an answer");
}

enum err
idempotency_begin(const struct store *store, struct idempotent_call *call,
    int64_t lock_ms, enum idempotency *out, struct kept_answer *answer)
{
	const struct q_idempotency_begin_args args = {
		.user_id = call->user_id,
		.key = call->key,
		.fingerprint = call->fingerprint,
		.lock_ms = lock_ms,
		.owner = call->owner,
	};
	struct rows rows = { 0 };
	const char *first;
	enum err err;

	err = store_run(store, q_idempotency_begin_with(&args), &rows);
	if (err)
		goto out;
	first = rows_text(&rows, 0, "fingerprint");
	if (rows_bool(&rows, 0, "is_ours")) {
		*out = IDEMPOTENCY_OURS;
		snprintf(call->call_id, sizeof(call->call_id), "%s",
		    rows_text(&rows, 0, "call_id"));
	} else if (first && strcmp(first, call->fingerprint))
		*out = IDEMPOTENCY_OTHER;
	else if (!first || !rows_text(&rows, 0, "status"))
		*out = IDEMPOTENCY_RUNNING;
	else {
		*out = IDEMPOTENCY_ANSWERED;
		err = read_answer(&rows, answer);
	}
out:
	rows_done(&rows);
	return err;
}

enum err
idempotency_point(const struct store *store, const char *user_id,
    const char *key, const char *call_id, const char *made_id)
{
	const struct q_idempotency_point_args args = {
		.user_id = user_id,
		.key = key,
		.call_id = call_id,
		.made_id = made_id,
	};

	return store_run(store, q_idempotency_point_with(&args), NULL);
}

enum err
idempotency_end(const struct store *store, const struct idempotent_call *call,
    const struct kept_answer *answer, bool forget)
{
	int64_t status = answer ? answer->status : 0;
	const struct q_idempotency_end_args args = {
		.user_id = call->user_id,
		.key = call->key,
		.status = answer ? &status : NULL,
		.content_type = answer ? answer->content_type : NULL,
		.headers = answer ? answer->headers : NULL,
		.body = answer ? answer->body : NULL,
		.forget = forget,
		.owner = call->owner,
	};

	return store_run(store, q_idempotency_end_with(&args), NULL);
}
