/* The migrations of sql/migrations/ and the rules of sql/rules/, generated as
 * C. Rules are made anew at each migration. */
#ifndef CTL_MIGRATIONS_H
#define CTL_MIGRATIONS_H

struct migration {
	int number; /* 0: past the last */
	const char *name;
	const char *sql;
};
extern const struct migration migrations[], rules[];

#endif
