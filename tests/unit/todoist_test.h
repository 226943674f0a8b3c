/* What the tests of Todoist share. */
#ifndef TODOIST_TEST_H
#define TODOIST_TEST_H

#include "provider_test.h"

#define BASE "https://api.todoist.com"
#define ME "2671355"
#define RECURRING "6XGgmFVcrG5RRjV2"
#define PLAIN "6XGgmPlain000001"
#define COMMAND "11111111-2222-4333-8444-555555555555"
#define STORED_RECURRING                                                       \
	"{\"is_recurring\":true,\"due_date\":\"2026-11-23\","                  \
	"\"due_string\":\"every day\",\"due_lang\":\"en\"}"
#define STORED_PLAIN "{\"is_recurring\":false}"

static const struct provider *const todoist = &provider_todoist;
static char key[] = "token-1", account[] = ME;
static const struct connection mine = { .key = key, .account_id = account };
static const struct connection nobodys = { .key = key };

static inline struct push
push_of(enum wish wish, const char *id, const char *metadata)
{
	return (struct push){ .conn = &mine,
		.base_url = BASE,
		.source_id = id,
		.source_metadata = metadata,
		.wish = wish,
		.command_id = COMMAND };
}
static const struct meaning bad_answer = { OUTCOME_UNKNOWN, REASON_BAD_ANSWER,
	-1 };

static inline enum err
list(const struct connection *conn, const char *cursor,
    struct http_response *res, struct page *page, struct answer *failure)
{
	enum err err;

	memset(page, 0, sizeof(*page));
	memset(failure, 0, sizeof(*failure));
	err = todoist->list_response(
	    conn, cursor, todoist->list_max, res, page, failure);
	http_response_done(res);
	return err;
}

#endif
