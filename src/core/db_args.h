/* Values on their way into a statement, as text. The generated binders add them
 * and db.c sends them; nobody else needs this. */
#ifndef SRC_CORE_DB_ARGS_H
#define SRC_CORE_DB_ARGS_H

#include "core/db.h"

/* The arguments of one statement. A NULL value is SQL null. Texts and arrays
 * are borrowed, others are kept here. */
#define ARGS_MAX 40
struct args {
	int count;
	const char *values[ARGS_MAX];
	char numbers[ARGS_MAX][24];
	char *owned[ARGS_MAX];
	enum err failed; /* the first failure while adding */
};
void args_text(struct args *args, const char *value);
void args_int(struct args *args, int64_t value);
void args_bool(struct args *args, bool value);
void args_bytes(struct args *args, struct bytes value);
void args_array(struct args *args, const struct array *value);
/* NULL: null */
void args_int_or_null(struct args *args, const int64_t *value);
void args_bool_or_null(struct args *args, const bool *value);
void args_done(struct args *args);

#endif
