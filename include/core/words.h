/* Lists in settings: words with commas or white space between them. */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stddef.h>

/* The next word of *rest, which is moved behind it, and its length; NULL: there
 * is no more. It is part of the list, not a string of its own. */
const char *words_next(const char **rest, size_t *len);

#endif
