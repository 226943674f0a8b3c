/* Values on their way into a statement, and arrays as PostgreSQL reads them. */
#include "core/db_args.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_MAX_BYTES ((size_t)256 * 1024 * 1024)

static const char **
next_value(struct args *args)
{
	assert(args->count < ARGS_MAX);
	return &args->values[args->count++];
}

void
args_text(struct args *args, const char *value)
{
	*next_value(args) = value;
}

void
args_int(struct args *args, int64_t value)
{
	char *text = args->numbers[args->count];

	snprintf(text, sizeof(args->numbers[0]), "%" PRId64, value);
	*next_value(args) = text;
}

void
args_bool(struct args *args, bool value)
{
	args_text(args, value ? "t" : "f");
}

void
args_int_or_null(struct args *args, const int64_t *value)
{
	if (value)
		args_int(args, *value);
	else
		args_text(args, NULL);
}

void
args_bool_or_null(struct args *args, const bool *value)
{
	args_text(args, value ? *value ? "t" : "f" : NULL);
}

static void
fail(struct args *args, enum err err)
{
	if (!args->failed)
		args->failed = err;
}

void
args_bytes(struct args *args, struct bytes value)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = value.ptr;
	char *text = p ? malloc(2 * value.len + 3) : NULL;

	if (p && !text)
		fail(args, err_set(ERR_NOMEM, "no memory for a value"));
	if (!text) {
		args_text(args, NULL);
		return;
	}
	text[0] = '\\';
	text[1] = 'x';
	for (size_t i = 0; i < value.len; i++) {
		text[2 + 2 * i] = hex[p[i] >> 4];
		text[3 + 2 * i] = hex[p[i] & 15];
	}
	text[2 + 2 * value.len] = '\0';
	args->owned[args->count] = text;
	args_text(args, text);
}

void
args_array(struct args *args, const struct array *value)
{
	if (value->failed)
		fail(args, value->failed);
	args_text(args, value->count ? value->text.ptr : "{}");
}

void
args_done(struct args *args)
{
	for (int i = 0; i < args->count; i++)
		free(args->owned[i]);
	memset(args, 0, sizeof(*args));
}

static void
array_add(struct array *array, const char *bytes, size_t n)
{
	if (!array->failed)
		array->failed = buf_add(&array->text, bytes, n);
}

/* The array is closed again after each element, so that it can be bound, and
 * bound once more, at any time. */
static void
array_begin_element(struct array *array)
{
	array->text.max = ARRAY_MAX_BYTES;
	if (array->count++ == 0)
		array_add(array, "{", 1);
	else if (!array->failed)
		array->text.ptr[array->text.len - 1] = ',';
}

static void
array_end_element(struct array *array)
{
	array_add(array, "}", 1);
}

static void
array_quoted(struct array *array, const char *value)
{
	size_t plain;

	array_add(array, "\"", 1);
	while (*value) {
		plain = strcspn(value, "\"\\");
		array_add(array, value, plain);
		value += plain;
		if (*value) {
			array_add(array, "\\", 1);
			array_add(array, value++, 1);
		}
	}
	array_add(array, "\"", 1);
}

void
array_text(struct array *array, const char *value)
{
	array_begin_element(array);
	if (value)
		array_quoted(array, value);
	else
		array_add(array, "NULL", 4);
	array_end_element(array);
}

void
array_int(struct array *array, int64_t value)
{
	array_begin_element(array);
	if (!array->failed)
		array->failed = buf_addf(&array->text, "%" PRId64, value);
	array_end_element(array);
}

void
array_bool(struct array *array, bool value)
{
	array_begin_element(array);
	array_add(array, value ? "t" : "f", 1);
	array_end_element(array);
}

void
array_done(struct array *array)
{
	buf_done(&array->text);
	array->count = 0;
	array->failed = OK;
}
