/*
 * A GraphQL request document as a tree, by recursive descent over the
 * October 2021 grammar without subscriptions and type definitions. Depth and
 * size are bounded: the threads that run this have small stacks.
 */
#include "graphql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { MAX_DEPTH = 60, MAX_NODES = 20000 };

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

struct parser {
	struct gql_doc *doc;
	const char *p;
	int depth, nodes;
	bool failed;
};

static void *
keep(struct parser *ps, size_t n)
{
	struct chunk *chunk = mem_zero(sizeof(*chunk) + n);

	if (++ps->nodes > MAX_NODES && !ps->failed) {
		ps->failed = true;
		snprintf(ps->doc->error, sizeof(ps->doc->error),
		    "Syntax Error: Document is too large.");
	}
	chunk->next = ps->doc->memory;
	ps->doc->memory = chunk;
	return chunk->bytes;
}

void
gql_free(struct gql_doc *doc)
{
	struct chunk *chunk = doc->memory;

	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	*doc = (struct gql_doc){ 0 };
}

static void
fail(struct parser *ps, const char *expected)
{
	if (ps->failed)
		return;
	ps->failed = true;
	if (*ps->p)
		snprintf(ps->doc->error, sizeof(ps->doc->error),
		    "Syntax Error: Expected %s, found \"%.12s\".", expected,
		    ps->p);
	else
		snprintf(ps->doc->error, sizeof(ps->doc->error),
		    "Syntax Error: Expected %s, found <EOF>.", expected);
}

static void
skip_ignored(struct parser *ps)
{
	for (;;) {
		ps->p += strspn(ps->p, " \t\r\n,");
		if (strncmp(ps->p, "\xef\xbb\xbf", 3) == 0)
			ps->p += 3;
		else if (*ps->p == '#')
			ps->p += strcspn(ps->p, "\r\n");
		else
			return;
	}
}

static bool
take(struct parser *ps, const char *punctuation)
{
	size_t n = strlen(punctuation);

	skip_ignored(ps);
	if (ps->failed || strncmp(ps->p, punctuation, n) != 0)
		return false;
	ps->p += n;
	return true;
}

static void
need(struct parser *ps, const char *punctuation)
{
	char quoted[12];

	if (take(ps, punctuation))
		return;
	snprintf(quoted, sizeof(quoted), "\"%s\"", punctuation);
	fail(ps, quoted);
}

static bool
is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static size_t
name_length(struct parser *ps)
{
	size_t n = 0;

	skip_ignored(ps);
	if (!is_name_start(*ps->p))
		return 0;
	while (is_name_start(ps->p[n]) || isdigit((unsigned char)ps->p[n]))
		n++;
	return n;
}

static const char *
copy(struct parser *ps, const char *s, size_t n)
{
	char *out = keep(ps, n + 1);

	memcpy(out, s, n);
	return out;
}

static const char *
need_name(struct parser *ps)
{
	size_t n = name_length(ps);
	const char *name;

	if (n == 0 || ps->failed) {
		fail(ps, "Name");
		return "";
	}
	name = copy(ps, ps->p, n);
	ps->p += n;
	return name;
}

static bool
take_word(struct parser *ps, const char *word)
{
	size_t n = name_length(ps);

	if (ps->failed || n != strlen(word) || strncmp(ps->p, word, n) != 0)
		return false;
	ps->p += n;
	return true;
}

/* Strings */

static void
add_utf8(struct buf *b, unsigned c)
{
	if (c < 0x80)
		buf_fmt(b, "%c", (int)c);
	else if (c < 0x800)
		buf_fmt(
		    b, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else
		buf_fmt(b, "%c%c%c", (int)(0xe0 | c >> 12),
		    (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

static void
add_escape(struct parser *ps, struct buf *b)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known = *ps->p ? strchr(from, *ps->p) : NULL;
	unsigned code;

	if (known) {
		buf_add(b, &to[known - from], 1);
		ps->p++;
	} else if (*ps->p == 'u' && strnlen(ps->p, 5) == 5 &&
		   sscanf(ps->p + 1, "%4x", &code) == 1 && code > 0) {
		add_utf8(b, code);
		ps->p += 5;
	} else {
		fail(ps, "a valid escape");
	}
}

/* Indentation of a block string is kept: nothing here looks at it. */
static const char *
block_string(struct parser *ps)
{
	const char *end = strstr(ps->p, "\"\"\""), *text;

	if (!end) {
		fail(ps, "\"\"\"");
		return "";
	}
	text = copy(ps, ps->p, (size_t)(end - ps->p));
	ps->p = end + 3;
	return text;
}

static const char *
string(struct parser *ps)
{
	struct buf b = { 0 };
	const char *text;

	buf_puts(&b, "");
	while (!ps->failed && *ps->p != '"') {
		if (*ps->p == '\0' || *ps->p == '\n') {
			fail(ps, "the end of a string");
		} else if (*ps->p == '\\') {
			ps->p++;
			add_escape(ps, &b);
		} else {
			buf_add(&b, ps->p++, 1);
		}
	}
	if (!ps->failed)
		ps->p++;
	text = copy(ps, b.ptr, b.len);
	buf_done(&b);
	return text;
}

/* Values */

static struct gql_value *value(struct parser *ps);

static struct gql_value *
list_value(struct parser *ps)
{
	struct gql_value *v = keep(ps, sizeof(*v)), **tail = &v->children;

	v->kind = GQL_LIST;
	while (!ps->failed && !take(ps, "]")) {
		*tail = value(ps);
		tail = &(*tail)->next;
	}
	return v;
}

/* name: value ... until the closing bracket, which is taken too. */
static struct gql_value *
members(struct parser *ps, const char *closing)
{
	struct gql_value *first = NULL, **tail = &first;

	while (!ps->failed && !take(ps, closing)) {
		const char *name = need_name(ps);

		need(ps, ":");
		*tail = value(ps);
		(*tail)->name = name;
		tail = &(*tail)->next;
	}
	return first;
}

static void
number(struct parser *ps, struct gql_value *v)
{
	size_t n = strspn(ps->p, "+-0123456789.eE");

	v->kind = GQL_NUMBER;
	v->text = copy(ps, ps->p, n);
	ps->p += n;
}

static void
word(struct parser *ps, struct gql_value *v)
{
	v->text = need_name(ps);
	if (strcmp(v->text, "true") == 0)
		v->kind = GQL_TRUE;
	else if (strcmp(v->text, "false") == 0)
		v->kind = GQL_FALSE;
	else if (strcmp(v->text, "null") == 0)
		v->kind = GQL_NULL;
	else
		v->kind = GQL_ENUM;
}

static struct gql_value *
value(struct parser *ps)
{
	struct gql_value *v;

	if (++ps->depth > MAX_DEPTH)
		fail(ps, "less nesting");
	if (take(ps, "[")) {
		v = list_value(ps);
		ps->depth--;
		return v;
	}
	v = keep(ps, sizeof(*v));
	if (take(ps, "{")) {
		v->kind = GQL_OBJECT;
		v->children = members(ps, "}");
	} else if (take(ps, "$")) {
		v->kind = GQL_VARIABLE;
		v->text = need_name(ps);
	} else if (take(ps, "\"\"\"")) {
		v->kind = GQL_STRING;
		v->text = block_string(ps);
	} else if (take(ps, "\"")) {
		v->kind = GQL_STRING;
		v->text = string(ps);
	} else if (*ps->p == '-' || isdigit((unsigned char)*ps->p)) {
		number(ps, v);
	} else {
		word(ps, v);
	}
	ps->depth--;
	return v;
}

/* Selections */

static struct gql_sel *selection_set(struct parser *ps);

static void
directives(struct parser *ps, struct gql_sel *sel)
{
	while (take(ps, "@")) {
		const char *name = need_name(ps);
		struct gql_value *args =
		    take(ps, "(") ? members(ps, ")") : NULL;

		if (!sel)
			continue;
		if (strcmp(name, "skip") == 0)
			sel->skip = args;
		else if (strcmp(name, "include") == 0)
			sel->include = args;
		else
			fail(ps, "a known directive");
	}
}

static void
field(struct parser *ps, struct gql_sel *sel)
{
	sel->kind = GQL_FIELD;
	sel->key = sel->name = need_name(ps);
	if (take(ps, ":"))
		sel->name = need_name(ps);
	if (take(ps, "("))
		sel->args = members(ps, ")");
	directives(ps, sel);
	if (take(ps, "{"))
		sel->sub = selection_set(ps);
}

static void
fragment_use(struct parser *ps, struct gql_sel *sel)
{
	if (take_word(ps, "on")) {
		sel->kind = GQL_INLINE;
		sel->name = need_name(ps);
	} else if (name_length(ps)) {
		sel->kind = GQL_SPREAD;
		sel->name = need_name(ps);
	} else {
		sel->kind = GQL_INLINE;
	}
	directives(ps, sel);
	if (sel->kind != GQL_INLINE)
		return;
	need(ps, "{");
	sel->sub = selection_set(ps);
}

/* After the opening brace. */
static struct gql_sel *
selection_set(struct parser *ps)
{
	struct gql_sel *first = NULL, **tail = &first;

	if (++ps->depth > MAX_DEPTH)
		fail(ps, "less nesting");
	do {
		struct gql_sel *sel = keep(ps, sizeof(*sel));

		if (take(ps, "..."))
			fragment_use(ps, sel);
		else
			field(ps, sel);
		*tail = sel;
		tail = &sel->next;
	} while (!ps->failed && !take(ps, "}"));
	ps->depth--;
	return first;
}

/* Definitions */

static void
add_type(struct parser *ps, struct buf *b)
{
	if (++ps->depth > MAX_DEPTH)
		fail(ps, "less nesting");
	if (take(ps, "[")) {
		buf_puts(b, "[");
		add_type(ps, b);
		need(ps, "]");
		buf_puts(b, "]");
	} else {
		buf_puts(b, need_name(ps));
	}
	if (take(ps, "!"))
		buf_puts(b, "!");
	ps->depth--;
}

static struct gql_variable *
variables(struct parser *ps)
{
	struct gql_variable *first = NULL, **tail = &first;

	while (!ps->failed && !take(ps, ")")) {
		struct gql_variable *v = keep(ps, sizeof(*v));
		struct buf type = { 0 };

		need(ps, "$");
		v->name = need_name(ps);
		need(ps, ":");
		add_type(ps, &type);
		v->type = copy(ps, type.ptr, type.len);
		buf_done(&type);
		if (take(ps, "="))
			v->fallback = value(ps);
		directives(ps, NULL);
		*tail = v;
		tail = &v->next;
	}
	return first;
}

static void
operation(struct parser *ps, struct gql_op *op)
{
	if (take(ps, "{")) {
		op->sub = selection_set(ps);
		return;
	}
	if (take_word(ps, "mutation"))
		op->is_mutation = true;
	else if (!take_word(ps, "query"))
		fail(ps, "a query or mutation");
	if (name_length(ps))
		op->name = need_name(ps);
	if (take(ps, "("))
		op->variables = variables(ps);
	directives(ps, NULL);
	need(ps, "{");
	if (!ps->failed)
		op->sub = selection_set(ps);
}

static void
fragment(struct parser *ps)
{
	struct gql_fragment *f = keep(ps, sizeof(*f));

	f->name = need_name(ps);
	if (!take_word(ps, "on"))
		fail(ps, "\"on\"");
	f->type = need_name(ps);
	directives(ps, NULL);
	need(ps, "{");
	if (!ps->failed)
		f->sub = selection_set(ps);
	f->next = ps->doc->fragments;
	ps->doc->fragments = f;
}

bool
gql_parse(struct gql_doc *doc, const char *text)
{
	struct parser ps = { .doc = doc, .p = text };
	struct gql_op **tail = &doc->ops;

	skip_ignored(&ps);
	do {
		if (take_word(&ps, "fragment")) {
			fragment(&ps);
		} else {
			*tail = keep(&ps, sizeof(**tail));
			operation(&ps, *tail);
			tail = &(*tail)->next;
		}
		skip_ignored(&ps);
	} while (!ps.failed && *ps.p);
	return !ps.failed;
}

struct gql_fragment *
gql_fragment_named(const struct gql_doc *doc, const char *name)
{
	struct gql_fragment *f = doc->fragments;

	while (f && strcmp(f->name, name) != 0)
		f = f->next;
	return f;
}
