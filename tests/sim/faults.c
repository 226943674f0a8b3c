/*
 * What goes wrong on request: a list of rules, of which the first that
 * matches a request hits it. A rule is matched once, when the request
 * arrives; the request then carries its copy, so deleting a rule never
 * changes what is already under way.
 */
#include "faults.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "when.h"

enum effect {
	EFFECT_SHAPE, /* the provider answers, and looks at the fault itself */
	EFFECT_SPOIL, /* the provider answers, then the bytes are changed */
	EFFECT_REPLACE, /* another answer; the provider is not asked */
	EFFECT_AFTER,   /* the provider is asked, its answer replaced */
};

static const struct {
	const char *name;
	enum effect effect;
} kinds[FAULT_KINDS] = {
	[FAULT_NONE] = { "", EFFECT_SHAPE },
	[FAULT_STATUS] = { "status", EFFECT_REPLACE },
	[FAULT_DELAY] = { "delay", EFFECT_SHAPE },
	[FAULT_DELAY_AFTER] = { "delay_after", EFFECT_SHAPE },
	[FAULT_RESET_BEFORE] = { "reset_before", EFFECT_REPLACE },
	[FAULT_RESET_AFTER] = { "reset_after", EFFECT_AFTER },
	[FAULT_HANG_BEFORE] = { "hang_before", EFFECT_REPLACE },
	[FAULT_HANG_AFTER] = { "hang_after", EFFECT_AFTER },
	[FAULT_TRUNCATE] = { "truncate", EFFECT_SPOIL },
	[FAULT_TRUNCATE_JSON] = { "truncate_json", EFFECT_SPOIL },
	[FAULT_HTML] = { "html", EFFECT_REPLACE },
	[FAULT_HTML_STATUS] = { "html_status", EFFECT_REPLACE },
	[FAULT_EMPTY_BODY] = { "empty_body", EFFECT_AFTER },
	[FAULT_GRAPHQL_ERRORS] = { "graphql_errors", EFFECT_SHAPE },
	[FAULT_GRAPHQL_ERRORS_AFTER] = { "graphql_errors_after", EFFECT_SHAPE },
	[FAULT_EMPTY_LIST] = { "empty_list", EFFECT_SHAPE },
	[FAULT_MISSING_PAGE] = { "missing_page", EFFECT_SHAPE },
	[FAULT_DROP_ITEMS] = { "drop_items", EFFECT_SHAPE },
	[FAULT_NO_NEXT_CURSOR] = { "no_next_cursor", EFFECT_SHAPE },
	[FAULT_SAME_CURSOR] = { "same_cursor", EFFECT_SHAPE },
	[FAULT_FINISHED_ROWS] = { "finished_rows", EFFECT_SHAPE },
	[FAULT_RATE_LIMIT] = { "rate_limit", EFFECT_REPLACE },
	[FAULT_AUTH] = { "auth", EFFECT_REPLACE },
	[FAULT_FORBIDDEN] = { "forbidden", EFFECT_REPLACE },
	[FAULT_NOT_FOUND] = { "not_found", EFFECT_REPLACE },
	[FAULT_STATE_REFUSED] = { "state_refused", EFFECT_REPLACE },
	[FAULT_GONE_410] = { "gone_410", EFFECT_REPLACE },
	[FAULT_INVALID_UTF8] = { "invalid_utf8", EFFECT_SPOIL },
	[FAULT_SYNC_ERROR] = { "sync_error", EFFECT_SHAPE },
	[FAULT_SUCCESS_FALSE] = { "success_false", EFFECT_SHAPE },
	[FAULT_WRONG_TYPE] = { "wrong_type", EFFECT_SHAPE },
	[FAULT_UNKNOWN_STATE_TYPE] = { "unknown_state_type", EFFECT_SHAPE },
	[FAULT_STALE] = { "stale", EFFECT_SHAPE },
	[FAULT_ODD_ITEM] = { "odd_item", EFFECT_SPOIL },
	[FAULT_FOREIGN] = { "foreign", EFFECT_REPLACE },
};

struct faults {
	struct fault *list;
	size_t n;
	int64_t last_id;
};

struct faults *
faults_new(void)
{
	return mem_zero(sizeof(struct faults));
}

void
faults_clear(struct faults *f)
{
	free(f->list);
	f->list = NULL;
	f->n = 0;
}

void
faults_free(struct faults *f)
{
	faults_clear(f);
	free(f);
}

bool
faults_remove(struct faults *f, int64_t id)
{
	size_t i;

	for (i = 0; i < f->n && f->list[i].id != id; i++)
		;
	if (i == f->n)
		return false;
	memmove(
	    &f->list[i], &f->list[i + 1], (f->n - i - 1) * sizeof(*f->list));
	f->n--;
	return true;
}

const char *
fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

/* Fields as a table: where each goes, and what it may be. */

enum field_type { FIELD_TEXT, FIELD_INT, FIELD_BOOL, FIELD_FRACTION };

#define AT(member) offsetof(struct fault, member)
#define SIZE(member) sizeof(((struct fault *)0)->member)

static const struct field {
	const char *name;
	enum field_type type;
	size_t at, size;
	double min, max;
} fields[] = {
	{ "op", FIELD_TEXT, AT(op), SIZE(op), 0, 0 },
	{ "account", FIELD_TEXT, AT(account), SIZE(account), 0, 0 },
	{ "item", FIELD_TEXT, AT(item), SIZE(item), 0, 0 },
	{ "message", FIELD_TEXT, AT(message), SIZE(message), 0, 0 },
	{ "write", FIELD_BOOL, AT(write), SIZE(write), 0, 1 },
	{ "applied", FIELD_BOOL, AT(applied), SIZE(applied), 0, 1 },
	{ "page", FIELD_INT, AT(page), SIZE(page), 1, 1e9 },
	{ "drop", FIELD_INT, AT(drop), SIZE(drop), 0, 1e9 },
	{ "status", FIELD_INT, AT(status), SIZE(status), 200, 599 },
	{ "times", FIELD_INT, AT(times), SIZE(times), 0, 1e15 },
	{ "skip", FIELD_INT, AT(skip), SIZE(skip), 0, 1e15 },
	{ "delay_ms", FIELD_INT, AT(delay_ms), SIZE(delay_ms), 0, 600000 },
	{ "age_ms", FIELD_INT, AT(age_ms), SIZE(age_ms), 0, 86400000 },
	{ "retry_after", FIELD_INT, AT(retry_after), SIZE(retry_after), 0,
	    1e9 },
	{ "probability", FIELD_FRACTION, AT(probability), SIZE(probability), 0,
	    1 },
};

static const struct field *
field_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static bool
set_number(void *place, const struct field *field, double v)
{
	if (v < field->min || v > field->max)
		return false;
	if (field->type == FIELD_FRACTION)
		*(double *)place = v;
	else if (v != floor(v))
		return false;
	else if (field->size == sizeof(int))
		*(int *)place = (int)v;
	else
		*(int64_t *)place = (int64_t)v;
	return true;
}

static bool
set_field(struct fault *fault, const struct field *field, const cJSON *v)
{
	char *place = (char *)fault + field->at;

	if (cJSON_IsNull(v))
		return true;
	if (field->type == FIELD_TEXT) {
		if (!cJSON_IsString(v) || strlen(v->valuestring) >= field->size)
			return false;
		snprintf(place, field->size, "%s", v->valuestring);
		return true;
	}
	if (field->type == FIELD_BOOL) {
		if (!cJSON_IsBool(v))
			return false;
		*(int *)place = cJSON_IsTrue(v);
		return true;
	}
	return cJSON_IsNumber(v) && set_number(place, field, v->valuedouble);
}

static bool
set_kind(struct fault *fault, const cJSON *v, char *why, int max)
{
	const char *name = cJSON_GetStringValue(v);
	struct buf known = { 0 };
	int i;

	for (i = 1; name && i < FAULT_KINDS; i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		fault->kind = (enum fault_kind)i;
		return true;
	}
	for (i = 1; i < FAULT_KINDS; i++)
		buf_fmt(&known, "%s%s", i > 1 ? ", " : "", kinds[i].name);
	snprintf(why, (size_t)max, "There is no fault kind %s%s%s; known: %s.",
	    name ? "'" : "", name ? name : "given", name ? "'" : "", known.ptr);
	buf_done(&known);
	return false;
}

static bool
set_all(struct fault *fault, const cJSON *json, char *why, int max)
{
	const cJSON *v;

	cJSON_ArrayForEach(v, json)
	{
		const struct field *field = field_named(v->string);
		enum prov prov;

		if (strcmp(v->string, "kind") == 0)
			continue;
		if (strcmp(v->string, "provider") == 0) {
			if (!prov_read(cJSON_GetStringValue(v), &prov)) {
				snprintf(why, (size_t)max,
				    "The provider must be todoist, linear "
				    "or attio.");
				return false;
			}
			fault->prov = (int)prov;
			continue;
		}
		if (!field || !set_field(fault, field, v)) {
			snprintf(why, (size_t)max, "A fault's '%.40s' %s.",
			    v->string,
			    field ? "cannot have that value" : "is not known");
			return false;
		}
	}
	return true;
}

int64_t
faults_add(struct faults *f, const cJSON *json, char *why, int max)
{
	struct fault fault = {
		.prov = -1,
		.write = -1,
		.times = -1,
		.applied = -1,
		.probability = 1,
		.retry_after = 1,
		.drop = 1,
	};

	if (!set_kind(&fault, cJSON_GetObjectItemCaseSensitive(json, "kind"),
		why, max))
		return 0;
	if (!set_all(&fault, json, why, max))
		return 0;
	fault.id = ++f->last_id;
	fault.made_ms = when_now_ms();
	f->list = mem_grow(f->list, (f->n + 1) * sizeof(*f->list));
	f->list[f->n++] = fault;
	return fault.id;
}

static void
fault_json(const struct fault *fault, struct buf *out)
{
	json_open(out, NULL, '{');
	json_int(out, "id", fault->id);
	json_str(out, "kind", fault_name(fault->kind));
	json_str(out, "provider",
	    fault->prov < 0 ? NULL : prov_name((enum prov)fault->prov));
	json_str(out, "op", *fault->op ? fault->op : NULL);
	json_str(out, "account", *fault->account ? fault->account : NULL);
	json_str(out, "item", *fault->item ? fault->item : NULL);
	if (fault->write >= 0)
		json_bool(out, "write", fault->write);
	if (fault->page)
		json_int(out, "page", fault->page);
	if (fault->status)
		json_int(out, "status", fault->status);
	json_int(out, "delay_ms", fault->delay_ms);
	if (fault->times < 0)
		json_raw(out, "times", "null");
	else
		json_int(out, "times", fault->times);
	json_int(out, "hits", fault->hits);
	json_num(out, "probability", fault->probability);
	json_close(out, '}');
}

void
faults_json(const struct faults *f, struct buf *out)
{
	size_t i;

	json_open(out, NULL, '{');
	json_open(out, "faults", '[');
	for (i = 0; i < f->n; i++)
		fault_json(&f->list[i], out);
	json_close(out, ']');
	json_close(out, '}');
}

static bool
is_about_item(const struct call *c, const char *id)
{
	char quoted[210];

	if (c->item && strcmp(c->item, id) == 0)
		return true;
	snprintf(quoted, sizeof(quoted), "\"%s\"", id);
	return c->items.ptr && strstr(c->items.ptr, quoted);
}

/* An account may be named by one of its tokens, also by a later one. */
static bool
is_by_account(const struct call *c, const char *name)
{
	return c->acc &&
	       account_find(c->sim, c->provider->prov, name) == c->acc;
}

static bool
is_match(const struct fault *fault, const struct call *c)
{
	if (fault->prov >= 0 && fault->prov != (int)c->provider->prov)
		return false;
	if (*fault->op && strcmp(fault->op, c->op) != 0)
		return false;
	if (fault->write >= 0 && fault->write != c->write)
		return false;
	if (fault->page && fault->page != c->page)
		return false;
	if (*fault->item && !is_about_item(c, fault->item))
		return false;
	return !*fault->account || is_by_account(c, fault->account);
}

void
faults_match(struct faults *f, struct call *c)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		struct fault *fault = &f->list[i];

		if (fault->times == 0 || !is_match(fault, c))
			continue;
		if (fault->skip > 0) {
			fault->skip--;
			continue;
		}
		if (fault->probability < 1 &&
		    ids_fraction(&c->sim->ids) >= fault->probability)
			continue;
		if (fault->times > 0)
			fault->times--;
		fault->hits++;
		c->fault = *fault;
		return;
	}
}

bool
fault_lets_serve(const struct fault *fault)
{
	enum effect effect = kinds[fault->kind].effect;

	if (effect == EFFECT_SHAPE || effect == EFFECT_SPOIL)
		return true;
	if (fault->applied >= 0)
		return fault->applied;
	return effect == EFFECT_AFTER;
}

static void
answer_text(struct call *c, int status, const char *type, const char *text)
{
	answer_clear(c->ans);
	c->ans->status = status;
	c->ans->type = type;
	buf_puts(&c->ans->body, text);
}

static void
refuse(struct call *c, enum refusal why, int status)
{
	answer_clear(c->ans);
	c->provider->refuse(c, why, c->fault.status ? c->fault.status : status);
}

/* A lone 0xff at the start of a title, or else of any string. */
static void
break_utf8(struct buf *body)
{
	static const char *const places[] = { "\"content\":\"", "\"title\":\"",
		"\"content_plaintext\":\"", "\":\"", "\"" };
	size_t i, at;
	char *p = NULL;

	for (i = 0; !p && body->len && i < 5; i++) {
		p = strstr(body->ptr, places[i]);
		if (p)
			p += strlen(places[i]);
	}
	at = p ? (size_t)(p - body->ptr) : body->len;
	buf_add(body, "\xff", 1);
	memmove(body->ptr + at + 1, body->ptr + at, body->len - 1 - at);
	body->ptr[at] = '\xff';
}

/* The first title goes by another name. */
static void
break_item(struct buf *body)
{
	static const char *const places[] = { "\"content\":\"", "\"title\":\"",
		"\"content_plaintext\":\"" };
	char *p = NULL;

	for (size_t i = 0; !p && body->len && i < 3; i++)
		p = strstr(body->ptr, places[i]);
	if (p)
		p[1] = 'x';
}

static const char page[] =
    "<!DOCTYPE html>\n<html><head><title>Please wait</title></head>"
    "<body><h1>We will be back soon</h1></body></html>\n";

void
fault_spoil(struct call *c)
{
	const struct fault *f = &c->fault;

	switch (f->kind) {
	case FAULT_STATUS:
		refuse(c, REFUSE_STATUS, 500);
		break;
	case FAULT_RESET_BEFORE:
	case FAULT_RESET_AFTER:
		c->ans->ending = END_RESET;
		break;
	case FAULT_HANG_BEFORE:
	case FAULT_HANG_AFTER:
		c->ans->ending = END_HANG;
		break;
	case FAULT_TRUNCATE:
		c->ans->ending = END_TRUNCATE;
		break;
	case FAULT_TRUNCATE_JSON:
		buf_cut(&c->ans->body, c->ans->body.len / 2);
		break;
	case FAULT_HTML:
		answer_text(c, f->status ? f->status : 200,
		    "text/html; charset=utf-8", page);
		break;
	case FAULT_HTML_STATUS:
		answer_text(c, f->status ? f->status : 502,
		    "text/html; charset=utf-8", page);
		break;
	case FAULT_EMPTY_BODY:
		answer_clear(c->ans);
		c->ans->status = f->status ? f->status : 200;
		break;
	case FAULT_RATE_LIMIT:
		refuse(c, REFUSE_RATE, 0);
		break;
	case FAULT_AUTH:
		refuse(c, REFUSE_AUTH, 401);
		break;
	case FAULT_FORBIDDEN:
		refuse(c, REFUSE_SCOPE, 0);
		break;
	case FAULT_NOT_FOUND:
		refuse(c, REFUSE_NOT_FOUND, 0);
		break;
	case FAULT_STATE_REFUSED:
		refuse(c, REFUSE_STATE, 0);
		break;
	case FAULT_GONE_410:
		answer_text(c, 410, "text/plain; charset=utf-8",
		    "This endpoint is deprecated.\n");
		break;
	case FAULT_FOREIGN:
		answer_text(c, f->status ? f->status : 404,
		    "application/json; charset=utf-8",
		    "{\"message\":\"no Route matched with those "
		    "values\"}\n");
		break;
	case FAULT_ODD_ITEM:
		break_item(&c->ans->body);
		break;
	case FAULT_INVALID_UTF8:
		break_utf8(&c->ans->body);
		break;
	default:
		break;
	}
}
