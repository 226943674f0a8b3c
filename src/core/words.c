#include "core/words.h"

#include <string.h>

const char *
words_next(const char **rest, size_t *len)
{
	static const char separators[] = ", \t\r\n";
	const char *word = *rest + strspn(*rest, separators);

	*len = strcspn(word, separators);
	*rest = word + *len;
	return *len ? word : NULL;
}
