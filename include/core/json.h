/* JSON from outside, checked before cJSON parses it: valid UTF-8, bounded
 * depth, nothing after the value. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "core/err.h"

#define JSON_MAX_DEPTH 32

/* *out is freed with cJSON_Delete(). ERR_INPUT says what is wrong: not UTF-8,
 * nested too deeply, an escaped NUL or half a surrogate pair, a name twice in
 * one object, a syntax error, or bytes after the value. Never reads past
 * len. */
enum err json_parse(const char *text, size_t len, cJSON **out) MUST_CHECK;

/* The same for what a provider sent, where one odd title must not fail the
 * whole answer: an escaped NUL ends its string, half a surrogate pair becomes
 * U+FFFD, and of two members of one name the first counts. */
enum err json_parse_foreign(
    const char *text, size_t len, cJSON **out) MUST_CHECK;

/* Borrowed until the tree dies; NULL when missing or not a string. */
const char *json_str(const cJSON *object, const char *name);

/* missing or not a boolean: fallback */
bool json_bool(const cJSON *object, const char *name, bool fallback);

/* Is name there, and JSON null? */
bool json_is_null(const cJSON *object, const char *name);

/* Walk down: json_path(root, "data", "viewer", NULL). NULL when a step is
 * missing or not an object. */
const cJSON *json_path(const cJSON *root, ...) __attribute__((sentinel));

/* Does the object in this text have every member of the object patch, with the
 * same value? False if either is not a JSON object. */
bool json_contains(const char *object, const char *patch);

/* Is this well-formed UTF-8 (no surrogates, no overlong forms)? */
bool json_is_utf8(const char *text, size_t len);

#endif
