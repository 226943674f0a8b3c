/*
 * Linear's GraphQL endpoint: authorization, errors and limits around the
 * executor. An error decides the HTTP status by where it was found: in the
 * document 400, while running 200. https://linear.app/developers/graphql
 */
#include "linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "when.h"

struct query {
	cJSON *body;
	struct gql_doc doc;
	struct gql_exec exec;
	bool parsed;   /* doc is whole */
	bool prepared; /* exec may run */
};

struct call *
linear_call(struct gql_exec *x)
{
	return x->context;
}

void
linear_not_found(struct gql_exec *x, const char *what)
{
	gql_fail(x, "Entity not found: %s", what);
}

void
linear_bad_argument(struct gql_exec *x, const char *what)
{
	gql_fail(x, "Argument Validation Error: %s", what);
}

struct error {
	int status; /* of the answer */
	int inner;  /* extensions.statusCode */
	const char *type, *code, *message, *path;
};

static void
add_error(struct call *c, const struct error *e)
{
	struct buf *out = &c->ans->body;
	const char *message = e->message;

	if (c->fault.kind && *c->fault.message)
		message = c->fault.message;
	json_open(out, "errors", '[');
	json_open(out, NULL, '{');
	json_str(out, "message", message);
	if (e->path) {
		json_open(out, "path", '[');
		json_str(out, NULL, e->path);
		json_close(out, ']');
	}
	json_open(out, "extensions", '{');
	json_str(out, "type", e->type);
	json_str(out, "code", e->code);
	json_int(out, "statusCode", e->inner);
	json_bool(out, "userError", e->inner < 500);
	json_str(out, "userPresentableMessage", message);
	json_close(out, '}');
	json_close(out, '}');
	json_close(out, ']');
}

/* data: null goes along where something was run. */
static void
answer_error(struct call *c, const struct error *e)
{
	answer_clear(c->ans);
	c->ans->status = e->status;
	json_open(&c->ans->body, NULL, '{');
	add_error(c, e);
	if (e->status == 200)
		json_raw(&c->ans->body, "data", "null");
	json_close(&c->ans->body, '}');
}

static void
add_limits(struct call *c, int64_t remaining, int64_t reset_ms, long points)
{
	const struct limit *limit = &c->sim->limits[PROV_LINEAR];
	int64_t most = limit->on ? limit->requests : 2500;

	answer_header(
	    c->ans, "X-RateLimit-Requests-Limit", "%lld", (long long)most);
	answer_header(c->ans, "X-RateLimit-Requests-Remaining", "%lld",
	    (long long)(remaining < 0 ? 0 : remaining));
	answer_header(
	    c->ans, "X-RateLimit-Requests-Reset", "%lld", (long long)reset_ms);
	answer_header(c->ans, "X-Complexity", "%ld", (points + 9) / 10);
	answer_header(c->ans, "X-RateLimit-Complexity-Limit", "3000000");
	answer_header(c->ans, "X-RateLimit-Complexity-Remaining", "2999990");
	answer_header(c->ans, "X-RateLimit-Complexity-Reset", "%lld",
	    (long long)reset_ms);
}

static void
add_own_limits(struct call *c, long points)
{
	const struct limit *limit = &c->sim->limits[PROV_LINEAR];
	const struct account *acc = c->acc;

	if (!acc)
		add_limits(c, 600, c->now_ms + 3600000, points);
	else if (limit->on)
		add_limits(c, limit->requests - acc->window_used,
		    acc->window_ms + limit->window_ms, points);
	else
		add_limits(
		    c, 2500 - acc->hour_used, acc->hour_ms + 3600000, points);
}

static int64_t
limit_reset(const struct call *c)
{
	const struct limit *limit = &c->sim->limits[PROV_LINEAR];

	if (c->fault.kind || !limit->on || !c->acc)
		return c->now_ms + c->fault.retry_after * 1000;
	return c->acc->window_ms + limit->window_ms;
}

static const struct error not_authenticated = { 401, 401,
	"authentication error", "AUTHENTICATION_ERROR",
	"Authentication required, not authenticated", NULL };
static const struct error forbidden = { 403, 403, "forbidden", "FORBIDDEN",
	"Your API key does not have the required scope: write", NULL };
static const struct error rate_limited = { 400, 429, "ratelimited",
	"RATELIMITED", "Rate limit exceeded. Please try again later.", NULL };
static const struct error no_issue = { 200, 400, "invalid input", "INPUT_ERROR",
	"Entity not found: Issue", NULL };
static const struct error no_state = { 200, 400, "invalid input", "INPUT_ERROR",
	"Entity not found: WorkflowState", NULL };
static const struct error internal = { 500, 500, "internal error",
	"INTERNAL_SERVER_ERROR", "Internal server error", NULL };
static const struct error refused = { 400, 400, "invalid input", "INPUT_ERROR",
	"Bad request", NULL };

static void
refuse(struct call *c, enum refusal why, int status)
{
	struct query *q = c->parsed;
	struct error e = status >= 500 || status == 0 ? internal : refused;

	if (why == REFUSE_AUTH || (why == REFUSE_STATUS && status == 401))
		e = not_authenticated;
	else if (why == REFUSE_SCOPE || (why == REFUSE_STATUS && status == 403))
		e = forbidden;
	else if (why == REFUSE_RATE || (why == REFUSE_STATUS && status == 429))
		e = rate_limited;
	else if (why == REFUSE_NOT_FOUND)
		e = no_issue;
	else if (why == REFUSE_STATE)
		e = no_state;
	if (status)
		e.status = status;
	if (q && q->prepared)
		e.path = q->exec.op->sub->key;
	answer_error(c, &e);
	if (e.type == rate_limited.type)
		add_limits(c, 0, limit_reset(c), 0);
	else
		add_own_limits(c, 0);
}

/* What is asked */

static const struct gql_sel *
child_field(const struct query *q, const struct gql_sel *sel, const char *name,
    int depth)
{
	const struct gql_sel *found = NULL;
	const struct gql_fragment *f;

	for (; sel && !found && depth < 20; sel = sel->next) {
		if (sel->kind == GQL_FIELD) {
			if (!name || strcmp(sel->name, name) == 0)
				found = sel;
		} else if (sel->kind == GQL_INLINE) {
			found = child_field(q, sel->sub, name, depth + 1);
		} else {
			f = gql_fragment_named(&q->doc, sel->name);
			found =
			    f ? child_field(q, f->sub, name, depth + 1) : NULL;
		}
	}
	return found;
}

/* An issue may be named by its identifier: the log knows it by id. */
static void
classify_item(struct call *c, const cJSON *args)
{
	const char *id =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(args, "id"));
	struct item *it;

	if (!id)
		return;
	it = c->acc ? linear_issue(c, id) : NULL;
	c->item = mem_dup(it ? it->id : id);
}

static void
classify_issues(struct call *c, const cJSON *args)
{
	const cJSON *filter = cJSON_GetObjectItemCaseSensitive(args, "filter");
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(filter, "id");
	const cJSON *v;

	c->op = "list";
	if (cJSON_GetObjectItemCaseSensitive(filter, "completedAt"))
		c->op = "recently_done";
	if (!ids)
		return;
	c->op = "read";
	v = cJSON_GetObjectItemCaseSensitive(ids, "in");
	ids = v ? v : cJSON_GetObjectItemCaseSensitive(ids, "eq");
	if (cJSON_IsString(ids))
		call_add_item(c, ids->valuestring);
	cJSON_ArrayForEach(v, ids)
	{
		if (cJSON_IsString(v))
			call_add_item(c, v->valuestring);
	}
}

static void
classify_page(struct call *c, const cJSON *args)
{
	const char *after = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(args, "after"));

	if (after)
		c->page = cursor_page(after);
}

static const struct {
	const char *field, *op;
} ops[] = {
	{ "issueUpdate", "update" },
	{ "team", "states" },
	{ "teams", "states" },
	{ "workflowState", "states" },
	{ "workflowStates", "states" },
	{ "viewer", "whoami" },
	{ "user", "whoami" },
	{ "organization", "whoami" },
	{ "rateLimitStatus", "rate_limit" },
	{ "issue", "read" },
};

static void
classify_field(struct call *c, struct query *q, const struct gql_sel *sel)
{
	const struct gql_sel *assigned = NULL;
	cJSON *args;
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (strcmp(ops[i].field, sel->name) == 0)
			c->op = ops[i].op;
	if (strcmp(c->op, "whoami") == 0)
		assigned = child_field(q, sel->sub, "assignedIssues", 0);
	if (assigned)
		sel = assigned;
	args = gql_args(&q->exec, sel);
	if (assigned || strcmp(sel->name, "issues") == 0)
		classify_issues(c, args);
	else if (!strcmp(sel->name, "issue") || c->write)
		classify_item(c, args);
	classify_page(c, args);
	cJSON_Delete(args);
}

static void
classify(struct call *c)
{
	struct query *q = mem_zero(sizeof(*q));
	const struct gql_sel *sel;
	const char *text, *name;

	c->parsed = q;
	q->body = cJSON_Parse(c->req->body);
	text = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(q->body, "query"));
	name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(q->body, "operationName"));
	if (!text || !gql_parse(&q->doc, text))
		return;
	q->parsed = true;
	q->exec.context = c;
	q->exec.out = &c->ans->body;
	q->prepared = gql_prepare(&q->exec, &q->doc, name,
	    cJSON_GetObjectItemCaseSensitive(q->body, "variables"),
	    &linear_query, &linear_mutation);
	if (q->exec.op)
		c->write = q->exec.op->is_mutation;
	if (!q->prepared || !q->exec.op)
		return;
	sel = child_field(q, q->exec.op->sub, NULL, 0);
	if (sel)
		classify_field(c, q, sel);
}

static void
forget(struct call *c)
{
	struct query *q = c->parsed;

	gql_done(&q->exec);
	gql_free(&q->doc);
	cJSON_Delete(q->body);
	free(q);
}

/* Answers */

static void
bad_document(struct call *c, const char *message)
{
	struct error e = { 400, 400, "graphql error",
		"GRAPHQL_VALIDATION_FAILED", message, NULL };

	answer_error(c, &e);
	add_own_limits(c, 0);
}

static void
failed_run(struct call *c, struct query *q)
{
	struct error e = { 200, 400, "invalid input", "INPUT_ERROR",
		q->exec.message, q->exec.path };

	answer_error(c, &e);
	add_own_limits(c, q->exec.points);
}

/* Errors beside data, as when one resolver of many gives up. */
static void
add_fault_errors(struct call *c, struct query *q)
{
	struct error e = internal;

	e.path = q->exec.op->sub->key;
	buf_cut(&c->ans->body, c->ans->body.len - 1);
	add_error(c, &e);
	json_close(&c->ans->body, '}');
}

static void
fail_write(struct call *c, struct query *q)
{
	struct error e = internal;

	e.status = 200;
	e.path = q->exec.op->sub->key;
	answer_error(c, &e);
	add_own_limits(c, q->exec.points);
}

static void
run(struct call *c, struct query *q)
{
	struct buf *out = &c->ans->body;
	bool errors = c->fault.kind == FAULT_GRAPHQL_ERRORS ||
		      c->fault.kind == FAULT_GRAPHQL_ERRORS_AFTER;

	if (c->write && c->fault.kind == FAULT_GRAPHQL_ERRORS) {
		fail_write(c, q);
		return;
	}
	json_open(out, NULL, '{');
	json_key(out, "data");
	gql_run(&q->exec, c->write ? &linear_mutation : &linear_query, c->acc);
	if (q->exec.failed && q->exec.bad_document) {
		bad_document(c, q->exec.message);
	} else if (q->exec.failed) {
		failed_run(c, q);
	} else if (errors && c->write) {
		fail_write(c, q);
	} else {
		json_close(out, '}');
		if (errors)
			add_fault_errors(c, q);
		add_own_limits(c, q->exec.points);
	}
}

static bool
is_json(const struct call *c)
{
	const char *type = request_header(c->req, "Content-Type");

	return type && strncasecmp(type, "application/json", 16) == 0;
}

static void
serve(struct call *c)
{
	struct query *q = c->parsed;
	struct error e = refused;

	if (strcmp(c->req->method, "POST") != 0) {
		e.message = "Only POST is understood here";
		e.status = 405;
		answer_error(c, &e);
	} else if (c->req->too_large) {
		refuse(c, REFUSE_STATUS, 413);
	} else if (!is_json(c)) {
		bad_document(c, "The content type must be application/json");
	} else if (!q->body) {
		bad_document(c, "The body is not JSON");
	} else if (!q->parsed) {
		bad_document(
		    c, *q->doc.error ? q->doc.error : "There is no query");
	} else if (!q->prepared) {
		bad_document(c, q->exec.message);
	} else {
		run(c, q);
	}
}

/* Linear's personal keys go bare; behind Bearer they are refused as such. */
static bool
is_key_as_bearer(const struct call *c)
{
	const char *auth = request_header(c->req, "Authorization");

	return auth && after_prefix(auth, "Bearer lin_api_");
}

static void
serve_authorized(struct call *c)
{
	struct error e = refused;

	if (is_key_as_bearer(c)) {
		e.message = "It looks like you're trying to use an API key as "
			    "a Bearer token. Remove the Bearer prefix from "
			    "the Authorization header.";
		answer_error(c, &e);
		add_own_limits(c, 0);
		return;
	}
	serve(c);
}

static void
refuse_call(struct call *c, enum refusal why, int status)
{
	if (why == REFUSE_AUTH && !c->fault.kind && is_key_as_bearer(c))
		serve_authorized(c);
	else
		refuse(c, why, why == REFUSE_AUTH ? 0 : status);
}

static bool
owns(const char *path)
{
	return strcmp(path, "/graphql") == 0;
}

const struct provider provider_linear = {
	.prov = PROV_LINEAR,
	.owns = owns,
	.classify = classify,
	.serve = serve_authorized,
	.refuse = refuse_call,
	.forget = forget,
};
