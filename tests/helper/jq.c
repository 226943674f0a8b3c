/*
 * jq's library spends most of a short run on compiling its own builtins:
 *compiled programs are kept. What --arg and its kind define is therefore part
 *of the input and not of the program: PROGRAM with $name and $id is run as
 *
 *	.[0] as [$name, $id] | .[1] | (PROGRAM)
 */
#include <errno.h>
#include <jq.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

#define KEPT_MAX 256

struct options {
	bool is_null_input, is_raw_input, is_slurped, is_raw, is_joined;
	bool is_status;
	int dump;         /* jv_dump_string's flags */
	struct buf names; /* "$a, $b" */
	jv values;
	const char *program, *file;
};

struct program {
	char *text;
	jq_state *jq;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct program kept[KEPT_MAX];

static void
on_error(void *arg, jv message)
{
	struct buf *err = arg;

	message = jq_format_error(message);
	buf_puts(err, jv_string_value(message));
	buf_puts(err, "\n");
	jv_free(message);
}

/* One that nobody else runs meanwhile; NULL, and err, if it is no program. */
static jq_state *
take(const char *text, struct buf *err)
{
	jq_state *jq = NULL;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < KEPT_MAX && !jq; i++) {
		if (!kept[i].jq || strcmp(kept[i].text, text) != 0)
			continue;
		jq = kept[i].jq;
		free(kept[i].text);
		kept[i] = (struct program){ 0 };
	}
	pthread_mutex_unlock(&lock);
	if (!jq)
		jq = jq_init();
	else {
		jq_set_error_cb(jq, on_error, err);
		return jq;
	}
	if (!jq)
		abort();
	jq_set_error_cb(jq, on_error, err);
	if (!jq_compile(jq, text))
		jq_teardown(&jq);
	return jq;
}

static void
give_back(const char *text, jq_state *jq)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < KEPT_MAX && jq; i++) {
		if (kept[i].jq)
			continue;
		kept[i] = (struct program){ strdup(text), jq };
		jq = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (jq)
		jq_teardown(&jq);
}

static bool
say(struct answer *a, int status, const char *what, const char *which)
{
	buf_puts(&a->err, "jq: ");
	buf_puts(&a->err, what);
	buf_puts(&a->err, which);
	buf_puts(&a->err, "\n");
	a->status = status;
	return false;
}

static bool
read_file(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");
	char chunk[65536];
	size_t n;

	if (!f)
		return false;
	buf_add(b, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	n = (size_t)ferror(f);
	fclose(f);
	return n == 0;
}

/* The texts of JSON one after another, as an array; invalid, and why in err. */
static jv
parse_all(const struct buf *text, struct buf *err)
{
	jv_parser *parser = jv_parser_new(0);
	jv all = jv_array(), next;

	jv_parser_set_buf(parser, text->ptr, (int)text->len, 0);
	while (jv_is_valid(next = jv_parser_next(parser)))
		all = jv_array_append(all, next);
	if (jv_invalid_has_msg(jv_copy(next))) {
		next = jv_invalid_get_msg(next);
		buf_puts(err, "parse error: ");
		buf_puts(err, jv_string_value(next));
		buf_puts(err, "\n");
		jv_free(all);
		all = jv_invalid();
	}
	jv_free(next);
	jv_parser_free(parser);
	return all;
}

/* The value that --arg, --argjson or --slurpfile gives. */
static bool
define(struct options *o, const char *kind, const char *name, const char *text,
    struct answer *a)
{
	struct buf read = { 0 };
	jv value;

	if (strcmp(kind, "--arg") == 0) {
		value = jv_string(text);
	} else if (strcmp(kind, "--argjson") == 0) {
		value = jv_parse(text);
	} else {
		if (!read_file(text, &read))
			return say(a, 2, "no such file: ", text);
		value = parse_all(&read, &a->err);
		buf_done(&read);
	}
	if (!jv_is_valid(jv_copy(value))) {
		jv_free(value);
		return say(a, 2, "not JSON: ", text);
	}
	buf_puts(&o->names, o->names.len ? ", $" : "$");
	buf_puts(&o->names, name);
	o->values = jv_array_append(o->values, value);
	return true;
}

static bool
flag(struct options *o, char letter)
{
	switch (letter) {
	case 'n':
		o->is_null_input = true;
		break;
	case 'R':
		o->is_raw_input = true;
		break;
	case 's':
		o->is_slurped = true;
		break;
	case 'r':
		o->is_raw = true;
		break;
	case 'j':
		o->is_raw = o->is_joined = true;
		break;
	case 'e':
		o->is_status = true;
		break;
	case 'S':
		o->dump |= JV_PRINT_SORTED;
		break;
	case 'c':
		o->dump &= JV_PRINT_SORTED;
		break;
	default:
		return false;
	}
	return true;
}

static bool
parse_options(struct options *o, int argc, char **argv, struct answer *a)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		if (strncmp(word, "--", 2) == 0) {
			if (i + 2 >= argc || (strcmp(word, "--arg") &&
						 strcmp(word, "--argjson") &&
						 strcmp(word, "--slurpfile")))
				return say(a, 2, "unknown option: ", word);
			if (!define(o, word, argv[i + 1], argv[i + 2], a))
				return false;
			i += 2;
		} else if (word[0] == '-' && word[1]) {
			for (const char *p = word + 1; *p; p++)
				if (!flag(o, *p))
					return say(a, 2, "unknown: ", word);
		} else if (!o->program) {
			o->program = word;
		} else if (!o->file) {
			o->file = word;
		} else {
			return say(a, 2, "one file at most: ", word);
		}
	}
	return o->program || say(a, 2, "no program", "");
}

/* All that the program is to be run on, as an array. */
static jv
inputs_of(const struct options *o, const char *input, struct answer *a)
{
	struct buf text = { 0 };
	jv all;

	if (o->is_null_input)
		return JV_ARRAY(jv_null());
	if (o->file)
		input = o->file;
	if (input[0] == '=') {
		buf_puts(&text, input + 1);
	} else if (!read_file(input, &text)) {
		say(a, 2, "error: could not open ", input);
		return jv_invalid();
	}
	if (o->is_raw_input) /* slurped, too: nobody asks for single lines */
		all = JV_ARRAY(jv_string_sized(text.ptr, (int)text.len));
	else
		all = parse_all(&text, &a->err);
	if (!jv_is_valid(jv_copy(all)))
		a->status = 2;
	else if (o->is_slurped && !o->is_raw_input)
		all = JV_ARRAY(all);
	buf_done(&text);
	return all;
}

static void
print(const struct options *o, jv value, struct answer *a)
{
	if (o->is_status)
		a->status = jv_get_kind(value) == JV_KIND_NULL ||
			    jv_get_kind(value) == JV_KIND_FALSE;
	if (!o->is_raw || jv_get_kind(value) != JV_KIND_STRING)
		value = jv_dump_string(value, o->dump);
	buf_add(&a->out, jv_string_value(value),
	    (size_t)jv_string_length_bytes(jv_copy(value)));
	if (!o->is_joined)
		buf_puts(&a->out, "\n");
	jv_free(value);
}

static void
run(const struct options *o, jq_state *jq, jv input, struct answer *a)
{
	jv value, message;

	jq_start(jq, JV_ARRAY(jv_copy(o->values), input), 0);
	while (jv_is_valid(value = jq_next(jq)))
		print(o, value, a);
	if (jv_invalid_has_msg(jv_copy(value))) {
		message = jv_invalid_get_msg(jv_copy(value));
		if (jv_get_kind(message) == JV_KIND_STRING)
			say(a, 5, "error: ", jv_string_value(message));
		else
			say(a, 5, "error", "");
		jv_free(message);
	}
	jv_free(value);
}

void
jq_answer(const struct question *q, struct answer *a)
{
	struct options o = { .dump = JV_PRINT_INDENT_FLAGS(2),
		.values = jv_array() };
	struct buf text = { 0 };
	jq_state *jq;
	jv inputs;

	if (!parse_options(&o, q->argc - 1, q->argv + 1, a))
		goto out;
	inputs = inputs_of(&o, q->argv[0], a);
	if (o.names.len) {
		buf_puts(&text, ".[0] as [");
		buf_add(&text, o.names.ptr, o.names.len);
		buf_puts(&text, "] | ");
	}
	buf_puts(&text, ".[1] | (");
	buf_puts(&text, o.program);
	buf_puts(&text, "\n)");
	if (jv_is_valid(jv_copy(inputs))) {
		jq = take(text.ptr, &a->err);
		if (!jq) {
			a->status = 3;
		} else {
			if (o.is_status)
				a->status =
				    4; /* as long as there is no result */
			jv_array_foreach(inputs, i, input)
			    run(&o, jq, input, a);
			give_back(text.ptr, jq);
		}
	}
	jv_free(inputs);
out:
	jv_free(o.values);
	buf_done(&o.names);
	buf_done(&text);
}
