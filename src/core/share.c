/* A table that is searched from end to end: it has as many rows as there are
 * threads, and a search is nothing beside what is then done. */
#include "core/share.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char holder[SHARE_NAME];
	int has; /* 0: the row is free */
};

struct share {
	pthread_mutex_t lock;
	size_t size;
	struct row rows[];
};

enum err
share_new(size_t size, struct share **out)
{
	struct share *share =
	    calloc(1, sizeof(*share) + size * sizeof(share->rows[0]));

	*out = share;
	if (!share)
		return err_set(ERR_NOMEM, "no memory for %zu shares", size);
	share->size = size;
	pthread_mutex_init(&share->lock, NULL);
	return OK;
}

void
share_free(struct share *share)
{
	if (!share)
		return;
	pthread_mutex_destroy(&share->lock);
	free(share);
}

/* The holder's row, or a free one, or NULL. */
static struct row *
row_of(struct share *share, const char *holder)
{
	struct row *free_one = NULL;

	for (size_t i = 0; i < share->size; i++) {
		struct row *row = &share->rows[i];

		if (row->has && !strcmp(row->holder, holder))
			return row;
		if (!row->has && !free_one)
			free_one = row;
	}
	return free_one;
}

bool
share_take(struct share *share, const char *holder, int most)
{
	struct row *row;
	bool is_taken;

	pthread_mutex_lock(&share->lock);
	row = row_of(share, holder);
	is_taken = row && row->has < most;
	if (is_taken && !row->has++)
		snprintf(row->holder, sizeof(row->holder), "%s", holder);
	pthread_mutex_unlock(&share->lock);
	return is_taken;
}

void
share_give(struct share *share, const char *holder)
{
	struct row *row;

	pthread_mutex_lock(&share->lock);
	row = row_of(share, holder);
	if (row && row->has)
		row->has--;
	pthread_mutex_unlock(&share->lock);
}

void
share_full(struct share *share, int most,
    void (*each)(void *context, const char *holder), void *context)
{
	pthread_mutex_lock(&share->lock);
	for (size_t i = 0; i < share->size; i++)
		if (share->rows[i].has && share->rows[i].has >= most)
			each(context, share->rows[i].holder);
	pthread_mutex_unlock(&share->lock);
}
