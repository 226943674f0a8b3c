/* The migrations, made into C from sql/migrations/, and the rules that are made
 * anew at each migration, from sql/rules/. */
#ifndef CTL_MIGRATIONS_H
#define CTL_MIGRATIONS_H

struct migration {
	int number; /* 0: past the last */
	const char *name;
	const char *sql;
};
extern const struct migration migrations[], rules[];

#endif
