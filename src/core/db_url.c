/* The database's URL: what is wrong with it is said in words of our own,
 * because libpq's quote what they could not read, and that may be the password.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/db_conn.h"
#include "core/log.h"

/* Parameters of other drivers, which hosting services put into the URLs that
 * they show: Prisma's, Supabase's and JDBC's. */
static const char *const foreign[] = { "pgbouncer", "connection_limit",
	"pool_timeout", "pool_mode", "prepareThreshold", "prepared_statements",
	"schema", "socket_timeout", "sslaccept", "sslidentity",
	"statement_cache_size", "supa", "workaround" };

static bool
is_named(const char *name, size_t n, const char *text)
{
	return strlen(text) == n && !strncmp(name, text, n);
}

static bool
is_foreign(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (is_named(name, n, foreign[i]))
			return true;
	return false;
}

static bool
is_libpqs(const char *name, size_t n)
{
	PQconninfoOption *options = PQconndefaults();
	bool is = false;

	for (PQconninfoOption *o = options; o && o->keyword && !is; o++)
		is = is_named(name, n, o->keyword);
	PQconninfoFree(options);
	return is || is_named(name, n, "ssl"); /* JDBC's, which libpq knows */
}

/* Is name fit to be said aloud? What is no word may be half a password. */
static bool
is_word(const char *name, size_t n)
{
	return n > 0 && n < 40 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") >= n;
}

/* Look at one parameter, and append it to out if it is libpq's. */
static enum err
take(const char *param, size_t n, struct buf *out, char *separator)
{
	const char *sign = memchr(param, '=', n);
	size_t name = sign ? (size_t)(sign - param) : n;
	enum err err;

	if (is_foreign(param, name)) {
		log_warn("msg=\"database_url: a parameter of another driver "
			 "is passed over\" name=%.*s",
		    (int)name, param);
		return OK;
	}
	if (is_word(param, name) && !is_libpqs(param, name))
		return err_set(ERR_CONFIG,
		    "database_url: libpq has no parameter '%.*s'", (int)name,
		    param);
	err = buf_add(out, separator, 1);
	*separator = '&';
	return err ? err : buf_add(out, param, n);
}

/* A password with an @ or a / that is not written as %40 or %2F ends up in one
 * of these, and would be said aloud with what is wrong about it. */
static bool
is_odd(const PQconninfoOption *option)
{
	const char *value = option->val;

	if (!value)
		return false;
	if (!strcmp(option->keyword, "port"))
		return value[strspn(value, "0123456789,")] != '\0';
	return !strcmp(option->keyword, "host") && strchr(value, '@');
}

static enum err
check(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	bool is_fine = options != NULL;

	for (PQconninfoOption *o = options; o && o->keyword; o++)
		is_fine = is_fine && !is_odd(o);
	PQconninfoFree(options);
	return is_fine ? OK
		       : err_set(ERR_CONFIG,
			     "database_url is not as libpq wants it: "
			     "postgresql://user:password@host:port/database, "
			     "with what is special in a password "
			     "percent-encoded");
}

/* Where its parameters begin, NULL: it has none. The @ before the host, in
 * front of which a password may have a ?, is the last one before any =. */
static const char *
query_of(const char *rest)
{
	size_t n = strcspn(rest, "=");
	const char *query = rest;

	for (size_t i = 0; i < n; i++)
		if (rest[i] == '@')
			query = rest + i;
	return strchr(query, '?');
}

enum err
db_url_read(const char *url, char **out)
{
	struct buf clean = BUF_INIT((size_t)64 * 1024);
	const char *start = strstr(url, "://");
	const char *query = start ? query_of(start + 3) : NULL;
	char separator = '?';
	enum err err =
	    buf_add(&clean, url, query ? (size_t)(query - url) : strlen(url));

	while (!err && query && *query) {
		size_t n = strcspn(++query, "&");

		if (n)
			err = take(query, n, &clean, &separator);
		query += n;
	}
	if (!err)
		err = check(clean.ptr ? clean.ptr : "");
	if (!err && !(*out = strdup(clean.ptr ? clean.ptr : "")))
		err = err_set(ERR_NOMEM, "no memory for a URL");
	buf_done(&clean);
	return err;
}
