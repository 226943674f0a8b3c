/* Values on their way into a statement, and arrays as PostgreSQL reads them. */
#include "core/db.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
args_bytes(struct args *args, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *text = malloc(2 * len + 3);

	if (!text) {
		args->failed = err_set(ERR_NOMEM, "no memory for a value");
		args_text(args, NULL);
		return;
	}
	text[0] = '\\';
	text[1] = 'x';
	for (size_t i = 0; i < len; i++) {
		text[2 + 2 * i] = hex[p[i] >> 4];
		text[3 + 2 * i] = hex[p[i] & 15];
	}
	text[2 + 2 * len] = '\0';
	args->owned[args->count] = text;
	args_text(args, text);
}

void
args_done(struct args *args)
{
	for (int i = 0; i < args->count; i++)
		free(args->owned[i]);
	memset(args, 0, sizeof(*args));
}

/* The comma or brace in front of an element. */
static void
array_next(struct array *array)
{
	if (!array->failed)
		array->failed =
		    buf_add(&array->text, array->count ? "," : "{", 1);
	array->count++;
}

static void
array_bytes(struct array *array, const char *bytes, size_t n)
{
	if (!array->failed)
		array->failed = buf_add(&array->text, bytes, n);
}

void
array_text(struct array *array, const char *value)
{
	size_t plain;

	array_next(array);
	if (!value) {
		array_bytes(array, "NULL", 4);
		return;
	}
	array_bytes(array, "\"", 1);
	while (*value) {
		plain = strcspn(value, "\"\\");
		array_bytes(array, value, plain);
		value += plain;
		if (*value) {
			array_bytes(array, "\\", 1);
			array_bytes(array, value++, 1);
		}
	}
	array_bytes(array, "\"", 1);
}

void
array_int(struct array *array, int64_t value)
{
	array_next(array);
	if (!array->failed)
		array->failed = buf_addf(&array->text, "%" PRId64, value);
}

void
array_bool(struct array *array, bool value)
{
	array_next(array);
	array_bytes(array, value ? "t" : "f", 1);
}

void
args_array(struct args *args, struct array *array)
{
	if (array->count == 0) {
		args_text(args, "{}");
		return;
	}
	array_bytes(array, "}", 1);
	if (array->failed)
		args->failed = array->failed;
	args_text(args, array->text.ptr);
}

void
array_done(struct array *array)
{
	buf_done(&array->text);
}
