/* Connections: a key goes in, is sealed at once, and never comes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/keys.h"
#include "core/providers/provider.h"
#include "core/store/connection.h"
#include "gateway.h"

#define LABEL_MAX_BYTES 200
#define KEY_MAX_BYTES 4000

static enum err
reply_connection(struct gateway *gateway, const struct request *req,
    const char *id, int status, struct reply *reply)
{
	char *json = NULL;
	enum err err =
	    connection_read(&gateway->store, req->user_id, id, &json);

	if (!err)
		err = reply_json(reply, status, "connection", json);
	free(json);
	return err;
}

HANDLER(connections_list)
{
	char *json = NULL;
	enum err err = connection_list(&gateway->store, req->user_id, &json);

	if (!err)
		err = reply_json(reply, 200, "connections", json);
	free(json);
	return err;
}

/* Only bytes that a header may carry. */
static enum err
read_key(const struct request *req, const char **key)
{
	enum err err = request_optional(req, "key", KEY_MAX_BYTES, key);

	if (err || !*key)
		return err;
	for (const char *p = *key; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(
			    ERR_INPUT, "'key' has characters that no key has.");
	return **key ? OK : err_set(ERR_INPUT, "'key' is empty.");
}

static enum err
read_metadata(const struct request *req, char **out)
{
	const cJSON *value =
	    cJSON_GetObjectItemCaseSensitive(req->json, "metadata");

	*out = NULL;
	if (!value || cJSON_IsNull(value))
		return OK;
	if (!cJSON_IsObject(value))
		return err_set(ERR_INPUT, "'metadata' must be an object.");
	*out = cJSON_PrintUnformatted(value);
	return *out ? OK : err_set(ERR_NOMEM, "no memory");
}

HANDLER(connections_create)
{
	struct connection conn = { 0 };
	const char *type, *label, *key;
	char names[128];
	enum err err = ERR_NOTFOUND;

	if (req->is_repeated)
		err = reply_connection(gateway, req, req->call_id, 201, reply);
	if (err != ERR_NOTFOUND)
		return err;
	err = request_string(req, "type", 15, &type);
	if (!err && !provider_by_name(type))
		err = err_set(ERR_INPUT, "'type' must be %s.",
		    provider_names(names, sizeof(names)));
	if (!err)
		err = request_optional(req, "label", LABEL_MAX_BYTES, &label);
	if (!err)
		err = read_key(req, &key);
	if (!err && !key)
		err = err_set(ERR_INPUT, "'key' is missing.");
	if (!err)
		err = read_metadata(req, &conn.metadata);
	if (err)
		goto out;
	snprintf(conn.id, sizeof(conn.id), "%s", req->call_id);
	snprintf(conn.user_id, sizeof(conn.user_id), "%s", req->user_id);
	snprintf(conn.type, sizeof(conn.type), "%s", type);
	conn.label = strdup(label ? label : provider_by_name(type)->title);
	if (!conn.label) {
		err = err_set(ERR_NOMEM, "no memory");
		goto out;
	}
	err = keys_seal(&gateway->courier.keys, key, &conn);
	if (!err)
		err = connection_add(&gateway->store, &conn);
	if (!err || (err == ERR_CONFLICT && req->is_repeated))
		err = reply_connection(gateway, req, conn.id, 201, reply);
out:
	connection_done(&conn);
	return err;
}

HANDLER(connections_read)
{
	return reply_connection(gateway, req, req->target, 200, reply);
}

static enum err
read_change(const struct request *req, struct connection_change *change,
    bool *writeback, bool *is_active)
{
	const cJSON *value =
	    cJSON_GetObjectItemCaseSensitive(req->json, "writeback");
	const char *status = NULL;
	enum err err =
	    request_optional(req, "label", LABEL_MAX_BYTES, &change->label);

	if (!err)
		err = request_optional(req, "status", 15, &status);
	if (err)
		return err;
	if (status && strcmp(status, "active") && strcmp(status, "paused"))
		return err_set(ERR_INPUT, "'status' must be active or paused.");
	if (status) {
		*is_active = !strcmp(status, "active");
		change->is_active = is_active;
	}
	if (value && !cJSON_IsBool(value))
		return err_set(ERR_INPUT, "'writeback' must be true or false.");
	if (value) {
		*writeback = cJSON_IsTrue(value);
		change->writeback = writeback;
	}
	return OK;
}

HANDLER(connections_change)
{
	struct connection_change change = { 0 };
	struct connection sealed = { 0 };
	const char *key = NULL;
	bool writeback, is_active;
	enum err err = read_change(req, &change, &writeback, &is_active);

	if (!err)
		err = read_key(req, &key);
	if (!err && key) {
		snprintf(sealed.id, sizeof(sealed.id), "%s", req->target);
		snprintf(
		    sealed.user_id, sizeof(sealed.user_id), "%s", req->user_id);
		err = keys_seal(&gateway->courier.keys, key, &sealed);
		change.sealed = &sealed;
	}
	if (!err)
		err = connection_update(
		    &gateway->store, req->user_id, req->target, &change);
	if (!err)
		err = reply_connection(gateway, req, req->target, 200, reply);
	connection_done(&sealed);
	return err;
}

HANDLER(connections_delete)
{
	reply->status = 204;
	return connection_delete(&gateway->store, req->user_id, req->target);
}

HANDLER(connections_poll)
{
	enum err err =
	    connection_poll_now(&gateway->store, req->user_id, req->target);

	return err ? err
		   : reply_connection(gateway, req, req->target, 202, reply);
}
