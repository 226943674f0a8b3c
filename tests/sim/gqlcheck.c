/*
 * Checks a document against a schema before it is run: operations, variables,
 * fields, arguments. Each field's definition is put into its node, so that
 * running has nothing left to look up.
 */
#include "gqlexec.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "when.h"

enum { MAX_DEPTH = 25, MAX_FIELDS = 5000 };

void
gql_fail(struct gql_exec *x, const char *fmt, ...)
{
	va_list ap;

	if (x->failed)
		return;
	x->failed = true;
	va_start(ap, fmt);
	vsnprintf(x->message, sizeof(x->message), fmt, ap);
	va_end(ap);
}

bool
gql_has_word(const char *words, const char *name)
{
	size_t n = strlen(name);
	const char *p = words;

	while (p && (p = strstr(p, name))) {
		if ((p == words || p[-1] == ' ') &&
		    (p[n] == '\0' || p[n] == ' '))
			return true;
		p += n;
	}
	return false;
}

/* Values */

static cJSON *
children_to_json(const struct gql_exec *x, const struct gql_value *v)
{
	cJSON *out =
	    v->kind == GQL_LIST ? cJSON_CreateArray() : cJSON_CreateObject();
	const struct gql_value *child;

	for (child = v->children; child; child = child->next) {
		cJSON *json = gql_value_json(x, child);

		if (!json)
			continue;
		if (v->kind == GQL_LIST)
			cJSON_AddItemToArray(out, json);
		else
			cJSON_AddItemToObject(out, child->name, json);
	}
	return out;
}

/* NULL for a variable without a value: as if it had not been written. */
cJSON *
gql_value_json(const struct gql_exec *x, const struct gql_value *v)
{
	switch (v->kind) {
	case GQL_VARIABLE:
		return cJSON_Duplicate(
		    cJSON_GetObjectItemCaseSensitive(x->variables, v->text),
		    true);
	case GQL_NUMBER:
		return cJSON_CreateNumber(strtod(v->text, NULL));
	case GQL_STRING:
	case GQL_ENUM:
		return cJSON_CreateString(v->text);
	case GQL_TRUE:
	case GQL_FALSE:
		return cJSON_CreateBool(v->kind == GQL_TRUE);
	case GQL_NULL:
		return cJSON_CreateNull();
	default:
		return children_to_json(x, v);
	}
}

cJSON *
gql_args(const struct gql_exec *x, const struct gql_sel *sel)
{
	cJSON *out = cJSON_CreateObject();
	const struct gql_value *arg;

	for (arg = sel->args; arg; arg = arg->next) {
		cJSON *json = gql_value_json(x, arg);

		if (json)
			cJSON_AddItemToObject(out, arg->name, json);
	}
	return out;
}

/* Types are judged as far as JSON shows them: input objects pass as such. */
static bool
fits(const cJSON *v, const char *type, size_t n)
{
	const cJSON *element;
	bool needed = n && type[n - 1] == '!';

	n -= needed;
	if (!v || cJSON_IsNull(v))
		return !needed;
	if (type[0] == '[') {
		/* A lone value stands for a list of one. */
		if (!cJSON_IsArray(v))
			return fits(v, type + 1, n - 2);
		cJSON_ArrayForEach(element, v)
		{
			if (!fits(element, type + 1, n - 2))
				return false;
		}
		return true;
	}
	if (strncmp(type, "Int", n) == 0)
		return cJSON_IsNumber(v) &&
		       v->valuedouble == floor(v->valuedouble);
	if (strncmp(type, "Float", n) == 0)
		return cJSON_IsNumber(v);
	if (strncmp(type, "Boolean", n) == 0)
		return cJSON_IsBool(v);
	if (n == 2 && strncmp(type, "ID", n) == 0)
		return cJSON_IsString(v) || cJSON_IsNumber(v);
	if (strncmp(type, "String", n) == 0 ||
	    strncmp(type, "DateTimeOrDuration", n) == 0)
		return cJSON_IsString(v);
	return cJSON_IsObject(v) || cJSON_IsString(v) || cJSON_IsNumber(v);
}

static const struct gql_variable *
variable_named(const struct gql_op *op, const char *name)
{
	const struct gql_variable *v = op->variables;

	while (v && strcmp(v->name, name) != 0)
		v = v->next;
	return v;
}

static void
set_variables(struct gql_exec *x, const cJSON *given)
{
	const struct gql_variable *v;

	for (v = x->op->variables; v; v = v->next) {
		cJSON *json = cJSON_Duplicate(
		    cJSON_GetObjectItemCaseSensitive(given, v->name), true);

		if (!json && v->fallback)
			json = gql_value_json(x, v->fallback);
		if (!fits(json, v->type, strlen(v->type)))
			gql_fail(x,
			    json ? "Variable \"$%s\" got an invalid value; "
				   "expected type \"%s\"."
				 : "Variable \"$%s\" of required type \"%s\" "
				   "was not provided.",
			    v->name, v->type);
		if (json)
			cJSON_AddItemToObject(x->variables, v->name, json);
	}
}

/* Checking */

static void
check_variables(struct gql_exec *x, const struct gql_value *v)
{
	for (; v && !x->failed; v = v->next) {
		if (v->kind == GQL_VARIABLE && !variable_named(x->op, v->text))
			gql_fail(
			    x, "Variable \"$%s\" is not defined.", v->text);
		check_variables(x, v->children);
	}
}

/* The type that follows "name:" in the list, and its length. */
static const char *
arg_type(const char *args, const char *name, size_t *len)
{
	size_t n = strlen(name);

	while (args && *args) {
		size_t word = strcspn(args, " ");

		if (word > n && args[n] == ':' && strncmp(args, name, n) == 0) {
			*len = word - n - 1;
			return args + n + 1;
		}
		args += word + strspn(args + word, " ");
	}
	return NULL;
}

static void
check_required(struct gql_exec *x, const struct gql_sel *sel, const char *args,
    const cJSON *given)
{
	while (args && *args && !x->failed) {
		size_t word = strcspn(args, " "), n = strcspn(args, ":");
		char name[40];

		snprintf(name, sizeof(name), "%.*s", (int)n, args);
		if (args[word - 1] == '!' &&
		    !cJSON_GetObjectItemCaseSensitive(given, name))
			gql_fail(x,
			    "Field \"%s\" argument \"%s\" is required, but it "
			    "was not provided.",
			    sel->name, name);
		args += word + strspn(args + word, " ");
	}
}

static void
check_args(struct gql_exec *x, const struct gql_sel *sel, const char *args)
{
	cJSON *given;
	const cJSON *v;

	check_variables(x, sel->args);
	if (x->failed)
		return;
	given = gql_args(x, sel);
	cJSON_ArrayForEach(v, given)
	{
		size_t len = 0;
		const char *type = arg_type(args, v->string, &len);

		if (!type)
			gql_fail(x, "Unknown argument \"%s\" on field \"%s\".",
			    v->string, sel->name);
		else if (!fits(v, type, len))
			gql_fail(x,
			    "Argument \"%s\" of field \"%s\" cannot have that "
			    "value; expected type \"%.*s\".",
			    v->string, sel->name, (int)len, type);
	}
	check_required(x, sel, args, given);
	cJSON_Delete(given);
}

static void
write_null(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_raw(x->out, key, "null");
}

static void
write_false(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_raw(x->out, key, "false");
}

static void
write_zero(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_raw(x->out, key, "0");
}

static void
write_empty(
    struct gql_exec *x, const char *key, void *obj, const struct gql_group *g)
{
	(void)obj;
	(void)g;
	json_raw(x->out, key, "[]");
}

static const struct gql_def always_null = { "null", .resolve = write_null };
static const struct gql_def always_false = { "false", .resolve = write_false };
static const struct gql_def always_zero = { "0", .resolve = write_zero };
static const struct gql_def always_empty = { "[]", .resolve = write_empty };

static bool
is_filler(const struct gql_def *def)
{
	return def == &always_null || def == &always_empty;
}

static const struct gql_def *
find_def(const struct gql_type *type, const char *name)
{
	const struct gql_def *def;

	for (def = type->defs; def->name; def++)
		if (strcmp(def->name, name) == 0)
			return def;
	if (gql_has_word(type->nulls, name))
		return &always_null;
	if (gql_has_word(type->falses, name))
		return &always_false;
	if (gql_has_word(type->zeros, name))
		return &always_zero;
	if (gql_has_word(type->empties, name))
		return &always_empty;
	return NULL;
}

struct check {
	struct gql_exec *x;
	int depth, fields;
};

static void check_set(
    struct check *ck, struct gql_sel *sel, const struct gql_type *type);

static void
check_field(struct check *ck, struct gql_sel *sel, const struct gql_type *type)
{
	struct gql_exec *x = ck->x;
	const struct gql_def *def;

	if (strcmp(sel->name, "__typename") == 0) {
		sel->def = NULL;
		return;
	}
	def = find_def(type, sel->name);
	sel->def = def;
	if (!def) {
		gql_fail(x, "Cannot query field \"%s\" on type \"%s\".",
		    sel->name, type->name);
		return;
	}
	if (is_filler(def))
		return;
	if (def->type && !sel->sub)
		gql_fail(x,
		    "Field \"%s\" of type \"%s\" must have a selection of "
		    "subfields.",
		    sel->name, def->type->name);
	else if (!def->type && sel->sub)
		gql_fail(x,
		    "Field \"%s\" must not have a selection since it has no "
		    "subfields.",
		    sel->name);
	check_args(x, sel, def->args);
	if (def->type)
		check_set(ck, sel->sub, def->type);
}

/*
 * Fragments are checked where they are used: their type says who they fit.
 * Interfaces are not known; a named fragment on one could be used on two
 * types, and its nodes have room for the definitions of one only.
 */
static void
check_fragment(struct check *ck, const char *on, struct gql_sel *sub,
    const struct gql_type *type)
{
	if (on && strcmp(on, type->name) != 0)
		gql_fail(ck->x,
		    "Fragment on type \"%s\" can never be of type \"%s\".", on,
		    type->name);
	else
		check_set(ck, sub, type);
}

static void
check_set(struct check *ck, struct gql_sel *sel, const struct gql_type *type)
{
	struct gql_exec *x = ck->x;

	if (++ck->depth > MAX_DEPTH)
		gql_fail(x, "The query is nested too deeply.");
	for (; sel && !x->failed; sel = sel->next) {
		struct gql_fragment *f;

		if (++ck->fields > MAX_FIELDS)
			gql_fail(x, "Query too complex.");
		check_variables(x, sel->skip);
		check_variables(x, sel->include);
		if (sel->kind == GQL_FIELD) {
			check_field(ck, sel, type);
		} else if (sel->kind == GQL_INLINE) {
			check_fragment(ck, sel->name, sel->sub, type);
		} else {
			f = gql_fragment_named(x->doc, sel->name);
			if (f)
				check_fragment(ck, f->type, f->sub, type);
			else
				gql_fail(
				    x, "Unknown fragment \"%s\".", sel->name);
		}
	}
	ck->depth--;
}

static const struct gql_op *
choose(struct gql_exec *x, const char *name)
{
	const struct gql_op *op = x->doc->ops;

	if (!op)
		gql_fail(x, "The document holds no operation.");
	else if (!name && op->next)
		gql_fail(x,
		    "Must provide operation name if query contains multiple "
		    "operations.");
	while (name && op && (!op->name || strcmp(op->name, name) != 0))
		op = op->next;
	if (name && !op)
		gql_fail(x, "Unknown operation named \"%s\".", name);
	return op;
}

bool
gql_prepare(struct gql_exec *x, const struct gql_doc *doc,
    const char *operation, const cJSON *variables, const struct gql_type *query,
    const struct gql_type *mutation)
{
	struct check ck = { .x = x };

	x->doc = doc;
	x->variables = cJSON_CreateObject();
	x->op = choose(x, operation);
	if (x->op && !x->failed) {
		set_variables(x, variables);
		check_set(
		    &ck, x->op->sub, x->op->is_mutation ? mutation : query);
	}
	x->bad_document = x->failed;
	return !x->failed;
}

void
gql_done(struct gql_exec *x)
{
	cJSON_Delete(x->variables);
	x->variables = NULL;
}
