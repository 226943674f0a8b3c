/* graphql: a request document as a tree. Knows no schema. */
#ifndef SIM_GRAPHQL_H
#define SIM_GRAPHQL_H

#include <stdbool.h>
#include <stddef.h>

enum gql_value_kind {
	GQL_VARIABLE,
	GQL_NUMBER,
	GQL_STRING,
	GQL_ENUM,
	GQL_TRUE,
	GQL_FALSE,
	GQL_NULL,
	GQL_LIST,
	GQL_OBJECT,
};

/* An argument, a member of an object, or (name NULL) a list's element. */
struct gql_value {
	enum gql_value_kind kind;
	const char *name;
	const char *text; /* the variable's name, the digits, the string */
	struct gql_value *children, *next;
};

enum gql_sel_kind { GQL_FIELD, GQL_SPREAD, GQL_INLINE };

struct gql_sel {
	enum gql_sel_kind kind;
	const char *key;  /* what the answer calls it */
	const char *name; /* of the field, fragment, or type (NULL: any) */
	struct gql_value *args;
	struct gql_value *skip, *include; /* directives, or NULL */
	struct gql_sel *sub, *next;
	const void *def; /* for whoever knows the schema */
};

struct gql_variable {
	const char *name;
	const char *type; /* as written, without spaces: "[ID!]!" */
	struct gql_value *fallback;
	struct gql_variable *next;
};

struct gql_op {
	bool is_mutation;
	const char *name; /* NULL if it has none */
	struct gql_variable *variables;
	struct gql_sel *sub;
	struct gql_op *next;
};

struct gql_fragment {
	const char *name, *type;
	struct gql_sel *sub;
	struct gql_fragment *next;
};

struct gql_doc {
	struct gql_op *ops;
	struct gql_fragment *fragments;
	void *memory; /* of everything above */
	char error[160];
};

/* False with a sentence in doc->error. Free with gql_free() either way. */
bool gql_parse(struct gql_doc *doc, const char *text);
void gql_free(struct gql_doc *doc);

struct gql_fragment *gql_fragment_named(
    const struct gql_doc *doc, const char *name);

#endif
