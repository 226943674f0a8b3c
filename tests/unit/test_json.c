/* json: what is let in, what is not, and that no byte past the end is read:
 * each text is parsed from memory of exactly its size, which the address
 * sanitizer watches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/json.h"

typedef enum err (*parse_fn)(const char *, size_t, cJSON **);

static enum err
parse_exact(parse_fn parse, const char *text, size_t len, cJSON **out)
{
	char *copy = malloc(len > 0 ? len : 1);
	enum err err;

	assert_non_null(copy);
	memcpy(copy, text, len);
	err = parse(copy, len, out);
	free(copy);
	return err;
}

static void
test_json_is_parsed(void **state)
{
	static const char *const rows[] = { "{}", "[]", "null", "true", "1",
		"-1.5e3", "0", "-0", "[0,10,0.5,1E+2,0e-1]", "\"\"",
		" \t\r\n{} \n", "{\"a\":[1,2,{\"b\":null}]}",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
		"\"\\ud83d\\ude00 \\u00e9 \\\\u0000 \\\"\"",
		"\"[[[[ }}}} \\\\\"" };
	cJSON *root;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		root = NULL;
		if (parse_exact(json_parse, rows[i], strlen(rows[i]), &root))
			fail_msg("%s: %s", rows[i], err_text());
		assert_non_null(root);
		cJSON_Delete(root);
		root = NULL;
		assert_int_equal(parse_exact(json_parse_foreign, rows[i],
				     strlen(rows[i]), &root),
		    OK);
		cJSON_Delete(root);
	}
}

#define ROW(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static void
test_what_is_not_json_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		ROW(""),
		ROW(" "),
		ROW("{"),
		ROW("}"),
		ROW("[1"),
		ROW("{\"1\":1,"),
		ROW("{\"a\""),
		ROW("{\"a\":"),
		ROW("{\"a\":1,}"),
		ROW("[1,]"),
		ROW("[1}"),
		ROW("\""),
		ROW("\"a"),
		ROW("\"a\\"),
		ROW("\"\\\""),
		ROW("\"\\u12\""),
		ROW("\"\\u12g4\""),
		ROW("\"\\x41\""),
		ROW("{} x"),
		ROW("{}{}"),
		ROW("1 2"),
		ROW("{}\0"),
		ROW("{}\0{}"),
		ROW("\0{}"),
		ROW("\x01{}"),
		ROW("{\x0c}"),
		ROW("\xef\xbb\xbf{}"),
		ROW("x{}"),
		ROW("01"),
		ROW("-"),
		ROW("-01"),
		ROW("1."),
		ROW("[1.]"),
		ROW(".5"),
		ROW("+1"),
		ROW("1e"),
		ROW("1e+"),
		ROW("[1.5e+]"),
		ROW("1-2"),
		ROW("0x10"),
		ROW("NaN"),
		ROW("Infinity"),
		ROW("nul"),
		ROW("'a'"),
		ROW("{a:1}"),
		ROW("\"a\nb\""),
		ROW("\"a\0b\""),
		ROW("[\"a\x1f\"]"),
		ROW("// x\n{}"),
		/* not UTF-8 */
		ROW("\"\xff\""),
		ROW("\"\xc3\""),
		ROW("\"\xc0\xaf\""),
		ROW("\"\xe0\x80\xaf\""),
		ROW("\"\xed\xa0\x80\""),
		ROW("\"\xf4\x90\x80\x80\""),
		ROW("\"\xf0\x8f\xbf\xbf\""),
		ROW("\"a\xe2\x82"),
		ROW("\x80"),
	};
	cJSON *root = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse_exact(json_parse, rows[i].text, rows[i].len, &root) !=
			ERR_INPUT ||
		    parse_exact(json_parse_foreign, rows[i].text, rows[i].len,
			&root) != ERR_INPUT)
			fail_msg("accepted: row %zu %s", i, rows[i].text);
		assert_null(root);
	}
}

static void
test_every_beginning_of_a_text_is_refused_without_reading_on(void **state)
{
	static const char text[] =
	    "{\"a\":[1,2.5,\"x\\u00e9\\n\",{\"b\":true}],\"c\":null}";
	cJSON *root = NULL;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_int_equal(
		    parse_exact(json_parse, text, len, &root), ERR_INPUT);
}

static void
test_depth_is_bounded_exactly(void **state)
{
	char text[4 * JSON_MAX_DEPTH];
	cJSON *root = NULL;

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_int_equal(json_parse(text, 2 * JSON_MAX_DEPTH, &root), OK);
	cJSON_Delete(root);
	root = NULL;
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_int_equal(
	    json_parse(text, 2 * JSON_MAX_DEPTH + 2, &root), ERR_INPUT);
	assert_non_null(strstr(err_text(), "deeper"));
}

static void
test_an_escaped_nul_is_refused_from_clients_only(void **state)
{
	static const char text[] = "{\"t\":\"ab\\u0000cd\",\"u\":\"v\"}";
	cJSON *root = NULL;

	(void)state;
	assert_int_equal(
	    parse_exact(json_parse, text, strlen(text), &root), ERR_INPUT);
	assert_int_equal(
	    parse_exact(json_parse_foreign, text, strlen(text), &root), OK);
	assert_string_equal(json_str(root, "t"), "ab");
	assert_string_equal(json_str(root, "u"), "v");
	cJSON_Delete(root);
}

static void
test_a_name_twice_is_refused_from_clients_only(void **state)
{
	static const char *const twice[] = { "{\"a\":1,\"a\":1}",
		"{\"a\":1,\"b\":2,\"\\u0061\":3}",
		"{\"o\":{\"b\":1,\"c\":2,\"b\":3}}", "[[{\"\":1,\"\":2}]]" };
	static const char *const once[] = { "{\"a\":1,\"A\":1}",
		"{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":2}]" };
	cJSON *root = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		const char *text = twice[i];
		assert_int_equal(
		    parse_exact(json_parse, text, strlen(text), &root),
		    ERR_INPUT);
		assert_non_null(strstr(err_text(), "twice"));
		assert_int_equal(
		    parse_exact(json_parse_foreign, text, strlen(text), &root),
		    OK);
		cJSON_Delete(root);
		root = NULL;
	}
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		const char *text = once[i];
		assert_int_equal(
		    parse_exact(json_parse, text, strlen(text), &root), OK);
		cJSON_Delete(root);
		root = NULL;
	}
}

static void
test_half_a_surrogate_pair_is_refused_or_replaced(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[\"a\\ud83d\"]", "a\xef\xbf\xbd" },
		{ "[\"\\ude00b\"]", "\xef\xbf\xbd"
				    "b" },
		{ "[\"\\ud83d\\ud83d\\ude00\"]",
		    "\xef\xbf\xbd\xf0\x9f\x98\x80" },
		{ "[\"\\ud83d\\u0041\"]", "\xef\xbf\xbd"
					  "A" },
		{ "[\"\\ud83dx\"]", "\xef\xbf\xbdx" },
		{ "[\"\\uDFFF\\uD800\"]", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "[\"\\\\ud83d \\ud83d\"]", "\\ud83d \xef\xbf\xbd" },
	};
	cJSON *root;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text;
		root = NULL;
		assert_int_equal(
		    parse_exact(json_parse, text, strlen(text), &root),
		    ERR_INPUT);
		assert_int_equal(
		    parse_exact(json_parse_foreign, text, strlen(text), &root),
		    OK);
		assert_string_equal(
		    cJSON_GetStringValue(cJSON_GetArrayItem(root, 0)),
		    rows[i].want);
		cJSON_Delete(root);
	}
}

static void
test_members_are_read_by_name_and_type(void **state)
{
	static const char text[] =
	    "{\"s\":\"x\",\"S\":\"y\",\"n\":1,\"t\":true,\"f\":false,"
	    "\"z\":null,\"o\":{\"p\":{\"q\":\"deep\"}},\"s\":\"second\"}";
	cJSON *root = NULL;

	(void)state;
	assert_int_equal(json_parse_foreign(text, strlen(text), &root), OK);
	assert_string_equal(json_str(root, "s"), "x");
	assert_string_equal(json_str(root, "S"), "y");
	assert_null(json_str(root, "n"));
	assert_null(json_str(root, "missing"));
	assert_null(json_str(NULL, "s"));
	assert_true(json_bool(root, "t", false));
	assert_false(json_bool(root, "f", true));
	assert_true(json_bool(root, "n", true));
	assert_false(json_bool(root, "missing", false));
	assert_true(json_is_null(root, "z"));
	assert_false(json_is_null(root, "missing"));
	assert_false(json_is_null(root, "f"));
	assert_string_equal(
	    json_str(json_path(root, "o", "p", NULL), "q"), "deep");
	assert_ptr_equal(json_path(root, NULL), root);
	assert_null(json_path(root, "o", "missing", "q", NULL));
	assert_null(json_path(root, "s", "q", NULL));
	assert_null(json_path(NULL, "o", NULL));
	cJSON_Delete(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_is_parsed),
		cmocka_unit_test(test_what_is_not_json_is_refused),
		cmocka_unit_test(
		    test_every_beginning_of_a_text_is_refused_without_reading_on),
		cmocka_unit_test(test_depth_is_bounded_exactly),
		cmocka_unit_test(
		    test_an_escaped_nul_is_refused_from_clients_only),
		cmocka_unit_test(
		    test_a_name_twice_is_refused_from_clients_only),
		cmocka_unit_test(
		    test_half_a_surrogate_pair_is_refused_or_replaced),
		cmocka_unit_test(test_members_are_read_by_name_and_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
