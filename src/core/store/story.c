/* The database gives a story's lines in order and in words; nothing is added
 * here. */
#include "core/store/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queries.h"

void
story_done(struct story *story)
{
	for (size_t i = 0; i < story->count; i++)
		free(story->list[i].text);
	free(story->list);
	memset(story, 0, sizeof(*story));
}

static void
read_told(const struct rows *rows, size_t i, struct event *told)
{
	rows_copy(rows, i, "type", told->type, sizeof(told->type));
	rows_copy(rows, i, "source", told->source, sizeof(told->source));
	rows_copy(rows, i, "reason", told->reason, sizeof(told->reason));
	told->wish = wish_by_name(rows_text(rows, i, "wish"));
	told->held = rows_int(rows, i, "held");
}

static enum err
read_line(const struct rows *rows, size_t i, struct story_line *line)
{
	snprintf(line->at, sizeof(line->at), "%s", rows_text(rows, i, "at"));
	snprintf(
	    line->kind, sizeof(line->kind), "%s", rows_text(rows, i, "kind"));
	read_told(rows, i, &line->told);
	line->text = strdup(rows_text(rows, i, "text"));
	return line->text ? OK : err_set(ERR_NOMEM, "no memory for a story");
}

enum err
story_read(const struct store *store, const char *task_id, struct story *out)
{
	const struct q_task_explain_args args = { .task_id = task_id };
	struct story story = { 0 };
	struct rows rows = { 0 };
	enum err err;

	err = store_run(store, q_task_explain_with(&args), &rows);
	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "nothing is known of this task");
	if (!err) {
		story.list = calloc(rows_count(&rows), sizeof(*story.list));
		if (!story.list)
			err = err_set(ERR_NOMEM, "no memory for a story");
	}
	for (size_t i = 0; !err && i < rows_count(&rows); i++) {
		err = read_line(&rows, i, &story.list[i]);
		story.count++;
	}
	if (err)
		story_done(&story);
	else
		*out = story;
	rows_done(&rows);
	return err;
}
