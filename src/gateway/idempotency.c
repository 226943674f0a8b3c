/* Idempotency-Key: the same request under the same key gets the first answer
 * again. If the first one failed, it is run again. Another request under the
 * key is refused. */
#include <stdio.h>
#include <string.h>

#include "core/crash.h"
#include "core/log.h"
#include "core/store/idempotency.h"
#include "gateway.h"

#define KEY_MAX 255

static void
fingerprint(const struct request *req, char out[CRYPTO_SHA256_HEX])
{
	struct buf text = BUF_INIT((size_t)2 * 1024 * 1024);

	if (buf_addf(&text, "%s %s?%s\n", req->method, req->path, req->query) ||
	    (req->body.len && buf_add(&text, req->body.ptr, req->body.len)))
		buf_clear(&text); /* no memory: an empty text, which is no
				     request's */
	crypto_sha256_hex(text.ptr ? text.ptr : "", text.len, out);
	buf_done(&text);
}

static enum err
check_key(const char *key)
{
	size_t n = strlen(key);

	if (n == 0) /* its sender counts on a protection it would not have */
		return err_set(ERR_INPUT, "The Idempotency-Key is empty.");
	if (n > KEY_MAX)
		return err_set(ERR_INPUT,
		    "The Idempotency-Key is longer than %d bytes.", KEY_MAX);
	for (size_t i = 0; i < n; i++)
		if (key[i] < ' ' || key[i] > '~')
			return err_set(ERR_INPUT,
			    "The Idempotency-Key must be printable ASCII.");
	return OK;
}

static enum err
replay(const struct kept_answer *answer, struct reply *reply)
{
	reply->status = answer->status;
	reply->content_type = "application/json"; /* only successes are kept */
	snprintf(reply->headers, sizeof(reply->headers), "%s", answer->headers);
	reply_header(reply, "Idempotency-Replayed: true");
	snprintf(reply->note, sizeof(reply->note), "replayed=1");
	buf_clear(&reply->body);
	return buf_add_str(&reply->body, answer->body);
}

/* Store the answer of a success. If the call was refused, it changed nothing,
 * and the key is forgotten. Any other failure may have made something, or may
 * still be about to. */
static void
remember(struct gateway *gateway, const struct request *req,
    const struct idempotent_call *call, const struct reply *reply,
    enum err failed)
{
	struct kept_answer answer = { .status = reply->status,
		.content_type = (char *)(uintptr_t)reply->content_type,
		.headers = (char *)(uintptr_t)reply->headers,
		.body = reply->body.ptr };
	bool keep = !failed && reply->status < 400;
	char why[200];

	crash_point("before_key_end");
	if (idempotency_end(&gateway->store, call, keep ? &answer : NULL,
		!keep && reply->status < 500))
		log_warn("req=%s msg=\"Idempotency-Key not kept\" why=%s",
		    req->id, log_quote(err_text(), why, sizeof(why)));
	crash_point("after_key_end");
}

enum err
idempotent(struct gateway *gateway, struct request *req, struct reply *reply,
    enum err (*handle)(
	struct gateway *, const struct request *, struct reply *))
{
	char print[CRYPTO_SHA256_HEX];
	struct idempotent_call call = { .user_id = req->user_id,
		.key = req->idempotency_key,
		.fingerprint = print };
	struct kept_answer answer = { 0 };
	enum idempotency found;
	enum err err = check_key(req->idempotency_key);

	if (err)
		return err;
	fingerprint(req, print);
	crypto_uuid(call.owner);
	crash_point("before_key");
	err = idempotency_begin(
	    &gateway->store, &call, gateway->config->lease_ms, &found, &answer);
	crash_point("after_key");
	if (err)
		return err;
	switch (found) {
	case IDEMPOTENCY_OTHER:
		return err_set(ERR_UNPROCESSABLE,
		    "This Idempotency-Key was used for another request.");
	case IDEMPOTENCY_RUNNING:
		reply_header(reply, "Retry-After: 1");
		return err_set(ERR_CONFLICT,
		    "The first request with this Idempotency-Key is still "
		    "running.");
	case IDEMPOTENCY_ANSWERED:
		err = replay(&answer, reply);
		kept_answer_done(&answer);
		return err;
	default:
		break;
	}
	snprintf(req->call_id, sizeof(req->call_id), "%s", call.call_id);
	req->is_repeated = strcmp(call.call_id, call.owner) != 0;
	err = handle(gateway, req, reply);
	if (err) /* before err_text() is overwritten */
		reply_error(reply, err);
	remember(gateway, req, &call, reply, err);
	return OK;
}
