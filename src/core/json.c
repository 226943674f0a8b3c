/* JSON from outside. cJSON accepts more than JSON: a byte order mark, any
 * control byte as white space, raw control bytes in strings, 01 and 1. as
 * numbers. Version 1.7.15 can also read one byte past an unfinished object. So
 * a scan goes first. It passes only UTF-8 in which brackets and strings close
 * and escapes and numbers are whole. The rest of the grammar is left to
 * cJSON. */
#include "core/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The length of the UTF-8 sequence at s; 0: there is none. The ranges are those
 * of Unicode's table 3-7: no overlong forms, no surrogates, nothing past
 * U+10FFFF. */
static size_t
utf8_sequence(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool
json_is_utf8(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_sequence(s + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

struct scan {
	const char *text;
	size_t len, at;
	int depth;
	bool has_nul;       /* \u0000 in a string */
	bool has_surrogate; /* \uD800 to \uDFFF without its other half */
};

/* The code unit of the \uXXXX at position i; -1: there is none. */
static int
code_unit(const struct scan *s, size_t i)
{
	int value = 0;

	if (s->len < 6 || i > s->len - 6 || s->text[i] != '\\' ||
	    s->text[i + 1] != 'u')
		return -1;
	for (size_t k = i + 2; k < i + 6; k++) {
		char c = s->text[k];
		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return value;
}

static bool
is_high(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* s->at is at a backslash inside a string; move past the escape. *lone is set
 * if it is half a surrogate pair. */
static enum err
scan_escape(struct scan *s, bool *lone)
{
	int unit;

	*lone = false;
	if (s->at + 1 >= s->len)
		return err_set(ERR_INPUT, "JSON: a string does not end");
	if (s->text[s->at + 1] != 'u') {
		s->at += 2;
		return OK;
	}
	unit = code_unit(s, s->at);
	if (unit < 0)
		return err_set(ERR_INPUT, "JSON: bad \\u escape");
	if (unit == 0)
		s->has_nul = true;
	s->at += 6;
	if (is_high(unit) && is_low(code_unit(s, s->at)))
		s->at += 6;
	else
		*lone = is_high(unit) || is_low(unit);
	if (*lone)
		s->has_surrogate = true;
	return OK;
}

/* s->at is after the opening quote; move past the closing one. */
static enum err
scan_string(struct scan *s)
{
	bool lone;
	enum err err;

	while (s->at < s->len) {
		unsigned char c = (unsigned char)s->text[s->at];
		if (c == '"') {
			s->at++;
			return OK;
		}
		if (c < 0x20)
			return err_set(
			    ERR_INPUT, "JSON: control byte in a string");
		if (c != '\\') {
			s->at++;
			continue;
		}
		err = scan_escape(s, &lone);
		if (err)
			return err;
	}
	return err_set(ERR_INPUT, "JSON: a string does not end");
}

/* Move past digits; false: there is none. */
static bool
scan_digits(struct scan *s)
{
	size_t from = s->at;

	while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at > from;
}

/* Move past one byte of set, if it is there. */
static bool
scan_one_of(struct scan *s, const char *set)
{
	bool found = s->at < s->len && s->text[s->at] != '\0' &&
		     strchr(set, s->text[s->at]) != NULL;

	s->at += found;
	return found;
}

/* A number (RFC 8259, 6). cJSON finds what must not follow one. */
static enum err
scan_number(struct scan *s)
{
	bool ok;

	(void)scan_one_of(s, "-");
	if (scan_one_of(s, "0"))
		ok = !scan_digits(s);
	else
		ok = scan_digits(s);
	if (ok && scan_one_of(s, "."))
		ok = scan_digits(s);
	if (ok && scan_one_of(s, "eE")) {
		(void)scan_one_of(s, "+-");
		ok = scan_digits(s);
	}
	return ok ? OK : err_set(ERR_INPUT, "JSON: malformed number");
}

/* Move past one byte outside strings and numbers, or a whole one of these. */
static enum err
scan_byte(struct scan *s)
{
	unsigned char c = (unsigned char)s->text[s->at];

	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	s->at++;
	if (c == '"')
		return scan_string(s);
	if (c == '{' || c == '[')
		s->depth++;
	if (c == '}' || c == ']')
		s->depth--;
	if (s->depth > JSON_MAX_DEPTH)
		return err_set(
		    ERR_INPUT, "JSON: nested deeper than %d", JSON_MAX_DEPTH);
	if (s->depth < 0)
		return err_set(ERR_INPUT, "JSON: bracket without its pair");
	if (c >= 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
		return err_set(ERR_INPUT, "JSON: stray byte 0x%02x", c);
	return OK;
}

static enum err
scan_all(struct scan *s)
{
	enum err err;

	if (!json_is_utf8(s->text, s->len))
		return err_set(ERR_INPUT, "JSON: not UTF-8");
	while (s->at < s->len) {
		err = scan_byte(s);
		if (err)
			return err;
	}
	if (s->depth != 0)
		return err_set(ERR_INPUT, "JSON: it does not end");
	return OK;
}

static bool
is_only_space(const char *from, const char *end)
{
	for (; from < end; from++) {
		if (memchr(" \t\r\n", *from, 4) == NULL)
			return false;
	}
	return true;
}

static enum err
parse_scanned(const char *text, size_t len, cJSON **out)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, false);

	if (root == NULL)
		return err_set(ERR_INPUT, "JSON: syntax error near byte %zu",
		    end != NULL ? (size_t)(end - text) : (size_t)0);
	if (!is_only_space(end, text + len)) {
		cJSON_Delete(root);
		return err_set(ERR_INPUT, "JSON: bytes after the value");
	}
	*out = root;
	return OK;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted first: comparing each name with each takes seconds for a body that is
 * nothing but names. */
static enum err
check_names(const cJSON *object, size_t count)
{
	const char **names = calloc(count, sizeof(*names));
	const cJSON *each;
	size_t n = 0;
	bool twice = false;

	if (names == NULL)
		return err_set(ERR_NOMEM, "no memory for %zu names", count);
	cJSON_ArrayForEach(each, object) names[n++] = each->string;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 1; i < n && !twice; i++)
		twice = strcmp(names[i - 1], names[i]) == 0;
	free(names);
	return twice ? err_set(ERR_INPUT, "JSON: a name is there twice") : OK;
}

/* Refuse two members of one name: readers differ in which of them counts. The
 * recursion is bounded by the scan's depth. */
static enum err
check_unique(const cJSON *value)
{
	const cJSON *each;
	size_t count = 0;
	enum err err = OK;

	cJSON_ArrayForEach(each, value)
	{
		count++;
		err = check_unique(each);
		if (err)
			return err;
	}
	return cJSON_IsObject(value) && count > 1 ? check_names(value, count)
						  : OK;
}

enum err
json_parse(const char *text, size_t len, cJSON **out)
{
	struct scan s = { .text = text, .len = len };
	cJSON *root = NULL;
	enum err err = scan_all(&s);

	if (err)
		return err;
	if (s.has_nul)
		return err_set(ERR_INPUT, "JSON: escaped NUL in a string");
	if (s.has_surrogate)
		return err_set(ERR_INPUT, "JSON: half a surrogate pair");
	err = parse_scanned(text, len, &root);
	if (!err)
		err = check_unique(root);
	if (err) {
		cJSON_Delete(root);
		return err;
	}
	*out = root;
	return OK;
}

/* Overwrite each lone half of a surrogate pair in copy with U+FFFD. copy has
 * passed the scan. */
static void
mend_surrogates(char *copy, size_t len)
{
	struct scan s = { .text = copy, .len = len };
	bool lone;

	while (s.at < len) {
		if (copy[s.at] != '\\') {
			s.at++;
			continue;
		}
		/* Cannot fail: in text that passed the scan a backslash begins
		 * an escape. */
		if (scan_escape(&s, &lone) != OK)
			return;
		if (lone)
			memcpy(copy + s.at - 4, "fffd", 4);
	}
}

enum err
json_parse_foreign(const char *text, size_t len, cJSON **out)
{
	struct scan s = { .text = text, .len = len };
	enum err err = scan_all(&s);
	char *copy;

	if (err)
		return err;
	if (!s.has_surrogate)
		return parse_scanned(text, len, out);
	/* Somebody's JavaScript may cut a title in the middle of an emoji: one
	 * such row must not fail all the others. */
	copy = malloc(len);
	if (copy == NULL)
		return err_set(ERR_NOMEM, "no memory for %zu bytes", len);
	memcpy(copy, text, len);
	mend_surrogates(copy, len);
	err = parse_scanned(copy, len, out);
	free(copy);
	return err;
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object)
		   ? cJSON_GetObjectItemCaseSensitive(object, name)
		   : NULL;
}

const char *
json_str(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member(object, name));
}

bool
json_bool(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *value = member(object, name);

	return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
}

bool
json_is_null(const cJSON *object, const char *name)
{
	return cJSON_IsNull(member(object, name));
}

const cJSON *
json_path(const cJSON *root, ...)
{
	const cJSON *at = root;
	const char *name;
	va_list names;

	va_start(names, root);
	while (at != NULL && (name = va_arg(names, const char *)) != NULL)
		at = member(at, name);
	va_end(names);
	return at;
}

bool
json_contains(const char *object, const char *patch)
{
	cJSON *whole = cJSON_Parse(object), *part = cJSON_Parse(patch);
	const cJSON *wanted;
	bool contains = cJSON_IsObject(whole) && cJSON_IsObject(part);

	cJSON_ArrayForEach(wanted, part)
	{
		contains =
		    contains && cJSON_Compare(cJSON_GetObjectItemCaseSensitive(
						  whole, wanted->string),
				    wanted, true);
	}
	cJSON_Delete(whole);
	cJSON_Delete(part);
	return contains;
}
