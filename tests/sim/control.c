/*
 * The API under /_sim/: routes, accounts, faults, limits and the log. The
 * lock is held for all of a control call, so each is atomic to the providers.
 */
#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "call.h"
#include "reqlog.h"

bool
control_refuse(struct control *ct, int status, const char *fmt, ...)
{
	char sentence[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	answer_clear(ct->ans);
	ct->ans->status = status;
	json_open(ct->out, NULL, '{');
	json_str(ct->out, "error", sentence);
	json_close(ct->out, '}');
	return false;
}

const cJSON *
control_member(const struct control *ct, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(ct->body, name);
}

bool
control_text(struct control *ct, const char *name, const char **out)
{
	const cJSON *v = control_member(ct, name);

	*out = cJSON_GetStringValue(v);
	if (!v || cJSON_IsNull(v) || *out)
		return true;
	return control_refuse(ct, 400, "'%s' must be a string.", name);
}

static bool
is_word(const char *words, const char *name)
{
	size_t n = strlen(name);

	while (*words) {
		size_t word = strcspn(words, " ");

		if (word == n && strncmp(words, name, n) == 0)
			return true;
		words += word + strspn(words + word, " ");
	}
	return false;
}

bool
control_check_keys(struct control *ct, const char *known)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, ct->body)
	{
		if (!is_word(known, v->string))
			return control_refuse(ct, 400,
			    "'%.60s' is not known here; known: %s.", v->string,
			    known);
	}
	return true;
}

bool
control_provider(struct control *ct, const char *name, enum prov *out)
{
	if (prov_read(name, out))
		return true;
	return control_refuse(
	    ct, 400, "The provider must be todoist, linear or attio.");
}

struct account *
control_account(
    struct control *ct, enum prov prov, const char *name, bool may_make)
{
	struct account *acc;

	if (!name || !*name)
		return account_default(ct->sim, prov);
	acc = account_find(ct->sim, prov, name);
	if (acc)
		return acc;
	if (!may_make) {
		control_refuse(
		    ct, 400, "There is no such %s account.", prov_name(prov));
		return NULL;
	}
	acc = account_make(ct->sim, prov, name);
	token_make(ct->sim, prov, name, acc);
	return acc;
}

static void
answer_ok(struct control *ct)
{
	json_open(ct->out, NULL, '{');
	json_bool(ct->out, "ok", true);
	json_close(ct->out, '}');
}

static void
health(struct control *ct)
{
	answer_ok(ct);
}

static void
reset(struct control *ct)
{
	state_reset(ct->sim);
	faults_clear(ct->sim->faults);
	reqlog_clear(ct->sim->log);
	answer_ok(ct);
}

/* Accounts */

static void
account_json(struct buf *out, const struct sim *sim, const struct account *acc)
{
	const struct token *token;
	int tokens = 0;
	size_t at = 0;

	while ((token = map_next(&sim->tokens[acc->prov], &at, NULL)))
		tokens += token->acc == acc && !token->revoked;
	json_open(out, NULL, '{');
	json_str(out, "provider", prov_name(acc->prov));
	json_str(out, "account", acc->name);
	json_str(out, "user_id", acc->user_id);
	json_str(out, "other_user_id", acc->other_id);
	json_str(out, "email", acc->email);
	if (acc->prov == PROV_LINEAR)
		json_str(out, "organization_id", acc->org_id);
	if (acc->prov == PROV_ATTIO)
		json_str(out, "workspace_id", acc->org_id);
	if (acc->prov == PROV_TODOIST) {
		json_str(out, "deleted_reads",
		    acc->deleted_reads_flag ? "flag" : "404");
		json_str(out, "completed_reads",
		    acc->completed_reads_404 ? "404" : "200");
	}
	json_int(out, "tokens", tokens);
	json_close(out, '}');
}

static void
accounts_list(struct control *ct)
{
	size_t i;

	json_open(ct->out, NULL, '{');
	json_open(ct->out, "accounts", '[');
	for (i = 0; i < ct->sim->naccounts; i++)
		account_json(ct->out, ct->sim, ct->sim->accounts[i]);
	json_close(ct->out, ']');
	json_close(ct->out, '}');
}

static void
account_add(struct control *ct)
{
	const char *provider, *name, *account, *scope;
	struct account *acc = NULL;
	struct token *token;
	enum prov prov;

	if (!control_check_keys(ct, "provider token account scope") ||
	    !control_text(ct, "provider", &provider) ||
	    !control_text(ct, "token", &name) ||
	    !control_text(ct, "account", &account) ||
	    !control_text(ct, "scope", &scope) ||
	    !control_provider(ct, provider, &prov))
		return;
	if (!name || !*name) {
		control_refuse(ct, 400, "A token is needed.");
		return;
	}
	if (scope && strcmp(scope, "read") && strcmp(scope, "write")) {
		control_refuse(ct, 400, "The scope is read or write.");
		return;
	}
	token = map_get(&ct->sim->tokens[prov], name);
	if (account)
		acc = account_find(ct->sim, prov, account);
	else if (token)
		acc = token->acc;
	if (!acc)
		acc = account_make(ct->sim, prov, account ? account : name);
	token = token_make(ct->sim, prov, name, acc);
	token->read_only = scope && strcmp(scope, "read") == 0;
	ct->ans->status = 201;
	account_json(ct->out, ct->sim, acc);
}

static void
account_change(struct control *ct)
{
	struct account *acc;
	const char *reads, *completed;
	enum prov prov;

	if (!control_check_keys(ct, "deleted_reads completed_reads") ||
	    !control_text(ct, "deleted_reads", &reads) ||
	    !control_text(ct, "completed_reads", &completed) ||
	    !control_provider(ct, ct->part[0], &prov))
		return;
	acc = account_find(ct->sim, prov, ct->part[1]);
	if (!acc) {
		control_refuse(ct, 404, "There is no such account.");
		return;
	}
	if (reads && strcmp(reads, "flag") && strcmp(reads, "404")) {
		control_refuse(ct, 400, "deleted_reads is flag or 404.");
		return;
	}
	if (completed && strcmp(completed, "200") && strcmp(completed, "404")) {
		control_refuse(ct, 400, "completed_reads is 200 or 404.");
		return;
	}
	if (completed)
		acc->completed_reads_404 = strcmp(completed, "404") == 0;
	if (reads)
		acc->deleted_reads_flag = strcmp(reads, "flag") == 0;
	account_json(ct->out, ct->sim, acc);
}

static void
token_revoke(struct control *ct)
{
	struct token *token;
	enum prov prov;

	if (!control_provider(ct, ct->part[0], &prov))
		return;
	token = map_get(&ct->sim->tokens[prov], ct->part[1]);
	if (!token || token->revoked) {
		control_refuse(ct, 404, "There is no such token.");
		return;
	}
	token->revoked = true;
	answer_ok(ct);
}

/* Requests */

static bool
flag_arg(struct control *ct, const char *name, int *out)
{
	const char *s = request_arg(ct->req, name);

	*out = -1;
	if (!s || !*s)
		return true;
	if (strcmp(s, "1") == 0 || strcmp(s, "true") == 0)
		*out = 1;
	else if (strcmp(s, "0") == 0 || strcmp(s, "false") == 0)
		*out = 0;
	else
		return control_refuse(ct, 400, "'%s' is true or false.", name);
	return true;
}

static const char *
text_arg(const struct control *ct, const char *name)
{
	const char *s = request_arg(ct->req, name);

	return s && *s ? s : NULL;
}

static void
requests_list(struct control *ct)
{
	struct reqlog_query q = { .prov = -1 };
	const char *since = text_arg(ct, "since");
	const char *provider = text_arg(ct, "provider");
	int64_t seq = 0;
	enum prov prov;

	if (since && !number_read(since, 0, INT64_MAX, &seq)) {
		control_refuse(ct, 400, "'since' is a sequence number.");
		return;
	}
	if (provider) {
		if (!control_provider(ct, provider, &prov))
			return;
		q.prov = (int)prov;
	}
	if (!flag_arg(ct, "write", &q.write))
		return;
	q.since = (uint64_t)seq;
	q.account = text_arg(ct, "account");
	q.op = text_arg(ct, "op");
	q.item = text_arg(ct, "item");
	reqlog_json(ct->sim->log, &q, ct->out);
}

static void
requests_clear(struct control *ct)
{
	reqlog_clear(ct->sim->log);
	answer_ok(ct);
}

/* Faults */

static void
faults_list(struct control *ct)
{
	faults_json(ct->sim->faults, ct->out);
}

static void
fault_add(struct control *ct)
{
	char why[1000];
	int64_t id =
	    faults_add(ct->sim->faults, ct->body, why, (int)sizeof(why));

	if (!id) {
		control_refuse(ct, 400, "%s", why);
		return;
	}
	ct->ans->status = 201;
	json_open(ct->out, NULL, '{');
	json_int(ct->out, "id", id);
	json_close(ct->out, '}');
}

static void
faults_drop(struct control *ct)
{
	faults_clear(ct->sim->faults);
	answer_ok(ct);
}

static void
fault_drop(struct control *ct)
{
	int64_t id;

	if (!number_read(ct->part[0], 1, INT64_MAX, &id) ||
	    !faults_remove(ct->sim->faults, id))
		control_refuse(ct, 404, "There is no such fault.");
	else
		answer_ok(ct);
}

/* Limits */

static void
limits_list(struct control *ct)
{
	int i;

	json_open(ct->out, NULL, '{');
	json_open(ct->out, "limits", '[');
	for (i = 0; i < PROV_COUNT; i++) {
		const struct limit *limit = &ct->sim->limits[i];

		if (!limit->on)
			continue;
		json_open(ct->out, NULL, '{');
		json_str(ct->out, "provider", prov_name((enum prov)i));
		json_int(ct->out, "requests", limit->requests);
		json_int(ct->out, "window_ms", limit->window_ms);
		if (limit->write >= 0)
			json_bool(ct->out, "write", limit->write);
		json_close(ct->out, '}');
	}
	json_close(ct->out, ']');
	json_close(ct->out, '}');
}

static bool
count_member(struct control *ct, const char *name, double min, int64_t *out)
{
	const cJSON *v = control_member(ct, name);

	if (!cJSON_IsNumber(v) || v->valuedouble < min || v->valuedouble > 1e12)
		return control_refuse(
		    ct, 400, "'%s' must be a number from %.0f on.", name, min);
	*out = (int64_t)v->valuedouble;
	return true;
}

static void
limit_set(struct control *ct)
{
	struct limit limit = { .on = true, .write = -1 };
	const cJSON *write = control_member(ct, "write");
	const char *provider;
	enum prov prov;

	if (!control_check_keys(ct, "provider requests window_ms write") ||
	    !control_text(ct, "provider", &provider) ||
	    !control_provider(ct, provider, &prov))
		return;
	if (cJSON_IsNull(control_member(ct, "requests"))) {
		ct->sim->limits[prov] = (struct limit){ 0 };
		limits_list(ct);
		return;
	}
	if (!count_member(ct, "requests", 0, &limit.requests) ||
	    !count_member(ct, "window_ms", 1, &limit.window_ms))
		return;
	if (cJSON_IsBool(write))
		limit.write = cJSON_IsTrue(write);
	ct->sim->limits[prov] = limit;
	limits_list(ct);
}

static void
limits_drop(struct control *ct)
{
	int i;

	for (i = 0; i < PROV_COUNT; i++)
		ct->sim->limits[i] = (struct limit){ 0 };
	answer_ok(ct);
}

/* Routes */

static const struct route {
	const char *method, *noun;
	int parts;
	void (*serve)(struct control *ct);
} routes[] = {
	{ "GET", "health", 0, health },
	{ "POST", "reset", 0, reset },
	{ "GET", "accounts", 0, accounts_list },
	{ "POST", "accounts", 0, account_add },
	{ "PATCH", "accounts", 2, account_change },
	{ "DELETE", "accounts", 2, token_revoke },
	{ "GET", "items", 0, control_items_list },
	{ "POST", "items", 0, control_items_add },
	{ "GET", "items", 2, control_item_read },
	{ "PATCH", "items", 2, control_item_change },
	{ "DELETE", "items", 2, control_item_purge },
	{ "GET", "teams", 0, control_teams_list },
	{ "POST", "teams", 0, control_team_add },
	{ "PATCH", "teams", 1, control_team_change },
	{ "GET", "requests", 0, requests_list },
	{ "DELETE", "requests", 0, requests_clear },
	{ "GET", "faults", 0, faults_list },
	{ "POST", "faults", 0, fault_add },
	{ "DELETE", "faults", 0, faults_drop },
	{ "DELETE", "faults", 1, fault_drop },
	{ "GET", "keys", 0, control_keys_read },
	{ "POST", "keys", 0, control_keys_set },
	{ "GET", "limits", 0, limits_list },
	{ "POST", "limits", 0, limit_set },
	{ "DELETE", "limits", 0, limits_drop },
};

static void
dispatch(struct control *ct, const char *noun, int parts)
{
	bool other = false;
	size_t i;

	for (i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		const struct route *r = &routes[i];

		if (strcmp(r->noun, noun) != 0 || r->parts != parts)
			continue;
		other = true;
		if (strcmp(r->method, ct->req->method) == 0) {
			r->serve(ct);
			return;
		}
	}
	if (other)
		control_refuse(ct, 405, "That method is not understood here.");
	else
		control_refuse(ct, 404, "There is no such control call.");
}

static const char root[] = "/_sim/";

bool
control_owns(const char *path)
{
	return after_prefix(path, root) != NULL;
}

void
control_serve(struct sim *sim, const struct request *req, struct answer *ans)
{
	struct control ct = {
		.sim = sim,
		.req = req,
		.ans = ans,
		.out = &ans->body,
		.part = { "", "" },
	};
	char *path = mem_dup(req->path + strlen(root)), *rest = path;
	const char *noun = strsep(&rest, "/");
	cJSON *body =
	    req->body_len ? cJSON_Parse(req->body) : cJSON_CreateObject();
	int parts = 0;

	/* The last part may hold slashes of its own: a token can. */
	if (rest && strcmp(noun, "items") && strcmp(noun, "accounts"))
		ct.part[parts++] = rest;
	else if (rest) {
		ct.part[parts++] = strsep(&rest, "/");
		if (rest)
			ct.part[parts++] = rest;
	}
	ct.body = body;
	pthread_mutex_lock(&sim->lock);
	if (req->too_large)
		control_refuse(&ct, 400, "The body is too large.");
	else if (!cJSON_IsObject(body))
		control_refuse(&ct, 400, "The body is not a JSON object.");
	else
		dispatch(&ct, noun, parts);
	pthread_mutex_unlock(&sim->lock);
	cJSON_Delete(body);
	free(path);
}
