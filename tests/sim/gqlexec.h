/* gqlexec: checks a document against a schema and writes its answer. */
#ifndef SIM_GQLEXEC_H
#define SIM_GQLEXEC_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "graphql.h"

struct gql_exec;
struct gql_group;

/* How a field's value is found in its object. */
enum gql_how {
	GQL_CALL,  /* resolve() writes it */
	GQL_TEXT,  /* a char * at this place, null if NULL */
	GQL_CHARS, /* a char array at this place */
	GQL_TIME,  /* an int64_t of milliseconds, null if 0 */
	GQL_COUNT, /* an int */
	GQL_FLOAT, /* a double */
	GQL_FLAG,  /* a bool */
};

struct gql_def {
	const char *name;
	enum gql_how how;
	size_t at;
	/* Writes key and value; may leave both out. */
	void (*resolve)(struct gql_exec *x, const char *key, void *obj,
	    const struct gql_group *g);
	const struct gql_type *type; /* NULL: a scalar */
	const char *args;            /* "id:String! first:Int" or NULL */
};

struct gql_type {
	const char *name;
	const struct gql_def *defs; /* ends with a name of NULL */
	/*
	 * Words: fields that are always null, false, 0 or []. A client may
	 * select whatever it likes below those that are null or [].
	 */
	const char *nulls, *falses, *zeros, *empties;
};

/* One field of an answer: selections with the same key, merged. */
enum { GQL_MERGED = 8 };
struct gql_group {
	const struct gql_sel *sel; /* the first */
	const struct gql_sel *subs[GQL_MERGED];
	size_t nsubs;
};

struct gql_exec {
	const struct gql_doc *doc;
	const struct gql_op *op;
	cJSON *variables; /* with defaults filled in; owned */
	struct buf *out;
	void *context;
	/* Tenths, as Linear counts: 0.1 a property, 1 an object. */
	long points;
	/* The first error wins. */
	bool failed;
	bool bad_document; /* found before anything was run */
	char message[300];
	const char *path; /* the root field it happened in, or NULL */
	/* Set by resolvers along with failed, for the one who answers. */
	const char *error_type, *error_code;
};

/*
 * Choose the operation and check everything that can be checked before
 * running it. variables may be NULL; it is only read.
 */
bool gql_prepare(struct gql_exec *x, const struct gql_doc *doc,
    const char *operation, const cJSON *variables, const struct gql_type *query,
    const struct gql_type *mutation);
void gql_done(struct gql_exec *x);

/* Write the data object; on failure what is in out is to be thrown away. */
void gql_run(struct gql_exec *x, const struct gql_type *root, void *obj);

void gql_fail(struct gql_exec *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For resolvers. obj NULL is written as null. */
void gql_object(struct gql_exec *x, const char *key,
    const struct gql_type *type, void *obj, const struct gql_group *g);
void gql_list(struct gql_exec *x, const char *key, const struct gql_type *type,
    void **objs, size_t n, const struct gql_group *g);
/* The arguments with variables put in; the caller deletes it. */
cJSON *gql_args(const struct gql_exec *x, const struct gql_sel *sel);

/* One value, as gql_args() puts it; NULL for a variable without any. */
cJSON *gql_value_json(const struct gql_exec *x, const struct gql_value *v);

/* The same word list as in struct gql_type. */
bool gql_has_word(const char *words, const char *name);

#endif
