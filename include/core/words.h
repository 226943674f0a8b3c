/* Lists in settings: words with commas or white space between them. */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stddef.h>

/* The next word of *rest, and its length; *rest then stands behind it. NULL:
 * there is no more. The word is a part of the list, without a NUL of its
 * own. */
const char *words_next(const char **rest, size_t *len);

#endif
