/*
 * Pages of Linear issues. A cursor names the last row that was given, by its
 * place (newest first) or by its time of update, so that changes between two
 * pages shift nothing and no page costs more than the rows it passes.
 */
#include "linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "teams.h"

struct item *
linear_issue(struct call *c, const char *id)
{
	struct item *it = item_find(c->sim, PROV_LINEAR, id);
	const char *dash = strrchr(id, '-');
	int64_t number;
	size_t i;

	if (it)
		return it->acc == c->acc ? it : NULL;
	if (!dash || !number_read(dash + 1, 1, 1000000000, &number))
		return NULL;
	for (i = 0; i < c->acc->n; i++) {
		it = c->acc->items[i];
		if (it && it->number == number &&
		    strlen(it->team->key) == (size_t)(dash - id) &&
		    after_prefix(id, it->team->key))
			return it;
	}
	return NULL;
}

static int
newest_first(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	return x->pos > y->pos ? -1 : x->pos < y->pos;
}

static int
last_updated_first(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	if (x->updated_ms != y->updated_ms)
		return x->updated_ms > y->updated_ms ? -1 : 1;
	return newest_first(a, b);
}

static bool
keep_all(const struct item *it, const void *arg)
{
	(void)it;
	(void)arg;
	return true;
}

/* The ids that the filter demands, as id: {in: [...]} or {eq: ...}. */
static const cJSON *
demanded_ids(const cJSON *filter)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(filter, "id");
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(id, "in");

	return v ? v : cJSON_GetObjectItemCaseSensitive(id, "eq");
}

struct candidates {
	struct item **rows;
	size_t n;
	struct item **owned;
};

static void
add_candidate(struct call *c, struct candidates *out, const cJSON *v)
{
	struct item *it = cJSON_IsString(v)
			      ? item_find(c->sim, PROV_LINEAR, v->valuestring)
			      : NULL;
	size_t i;

	if (!it || it->acc != c->acc)
		return;
	for (i = 0; i < out->n; i++)
		if (out->owned[i] == it)
			return;
	out->owned[out->n++] = it;
}

/* By id without looking at all others: that is how absences are confirmed. */
static void
candidates_by_id(struct call *c, const cJSON *ids, struct candidates *out)
{
	const cJSON *v;
	int n = cJSON_IsArray(ids) ? cJSON_GetArraySize(ids) : 1;

	out->owned = mem_zero(((size_t)n + 1) * sizeof(*out->owned));
	if (!cJSON_IsArray(ids))
		add_candidate(c, out, ids);
	else
		cJSON_ArrayForEach(v, ids) add_candidate(c, out, v);
	qsort(out->owned, out->n, sizeof(*out->owned), newest_first);
	out->rows = out->owned;
}

static void
candidates_all(struct call *c, bool by_update, struct candidates *out)
{
	struct view_plan plan = {
		by_update ? "updated" : "newest",
		keep_all,
		by_update ? last_updated_first : newest_first,
		NULL,
	};
	const struct view *view = account_view(c->acc, &plan);

	out->rows = view->items;
	out->n = view->n;
}

/* Whether it comes after the row that the cursor names. */
static bool
is_past(const struct item *it, const struct cursor *cur, bool by_update)
{
	if (by_update && it->updated_ms != cur->key)
		return it->updated_ms < cur->key;
	return (int64_t)it->pos < cur->at;
}

static size_t
start_row(
    const struct candidates *cand, const struct cursor *cur, bool by_update)
{
	size_t low = 0, high = cand->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (is_past(cand->rows[mid], cur, by_update))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static bool
is_listed(const struct call *c, const struct linear_args *args, bool mine,
    const struct item *it)
{
	if (!args->archived_too && (it->archived || it->deleted))
		return false;
	if (mine && item_is_others(it))
		return false;
	if (c->fault.kind == FAULT_FINISHED_ROWS)
		return true;
	return linear_issue_matches(args->filter, it, c->now_ms);
}

static int64_t
rows_to_skip(const struct call *c, const struct linear_args *args)
{
	if (c->fault.kind == FAULT_MISSING_PAGE)
		return args->first;
	return c->fault.kind == FAULT_DROP_ITEMS ? c->fault.drop : 0;
}

static void
write_cursor(const struct item *it, const char *scope, int page, char text[160])
{
	struct cursor cur = {
		.at = (int64_t)it->pos,
		.key = it->updated_ms,
		.page = page,
	};

	cursor_write(&cur, scope, text);
}

static void
set_cursors(struct linear_page *page, const struct linear_args *args,
    const char *scope, int number)
{
	struct item *const *rows = (struct item *const *)page->rows;

	if (page->n == 0)
		return;
	write_cursor(rows[0], scope, number, page->start_text);
	write_cursor(rows[page->n - 1], scope, number + 1, page->end_text);
	page->start = page->start_text;
	page->end = page->end_text;
	page->has_previous = args->after != NULL;
}

/* A cursor that stays: the same page comes again and again. */
static void
stand_still(
    struct linear_page *page, const struct linear_args *args, const char *scope)
{
	struct cursor start = {
		.at = INT64_MAX / 2, .key = INT64_MAX / 2, .page = 1
	};

	if (args->after)
		snprintf(
		    page->end_text, sizeof(page->end_text), "%s", args->after);
	else
		cursor_write(&start, scope, page->end_text);
	page->end = page->end_text;
	page->has_next = true;
}

static void
fill(struct call *c, const struct linear_args *args, bool mine,
    const struct candidates *cand, size_t from, struct linear_page *page)
{
	int64_t skip = rows_to_skip(c, args);
	size_t i;

	page->rows = mem_zero(((size_t)args->first + 1) * sizeof(void *));
	for (i = from; i < cand->n; i++) {
		struct item *it = cand->rows[i];

		if (!is_listed(c, args, mine, it) || skip-- > 0)
			continue;
		if ((int64_t)page->n == args->first) {
			page->has_next = true;
			return;
		}
		page->rows[page->n++] = it;
	}
}

bool
linear_find_issues(struct gql_exec *x, const struct linear_args *args,
    bool mine, struct linear_page *page)
{
	struct call *c = linear_call(x);
	struct cursor cur = { .page = 1 };
	struct candidates cand = { 0 };
	const cJSON *ids = demanded_ids(args->filter);
	bool by_update = args->by_update && !ids;
	char scope[80];
	size_t from = 0;

	snprintf(
	    scope, sizeof(scope), "issues %s %d", c->acc->user_id, by_update);
	if (args->after && !cursor_read(&cur, scope, args->after)) {
		linear_bad_argument(x, "after");
		return false;
	}
	if (ids)
		candidates_by_id(c, ids, &cand);
	else
		candidates_all(c, by_update, &cand);
	if (args->after)
		from = start_row(&cand, &cur, by_update);
	if (c->fault.kind == FAULT_EMPTY_LIST)
		from = cand.n;
	fill(c, args, mine, &cand, from, page);
	set_cursors(page, args, scope, cur.page);
	if (c->fault.kind == FAULT_SAME_CURSOR)
		stand_still(page, args, scope);
	free(cand.owned);
	return true;
}
