/* Linear, GraphQL: https://linear.app/developers/graphql. Items are issues.
 * This part reads: lists, issues by id, workflow states. linear_wire.c wraps
 * requests and errors, linear_write.c asks and writes. */
#include "linear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"
#include "core/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* nin includes state types that Linear adds later. By the vendor's rule (0.1
 * for a property, 1 for an object) an issue costs 5.7 points, so 250 cost 1,425
 * of the 10,000 that one query may cost (#rate-limiting). */
static const char active_issues[] =
    "query ActiveIssues($first: Int!, $after: String) {\n"
    "  viewer {\n"
    "    id\n"
    "    assignedIssues(first: $first, after: $after,\n"
    "      filter: { state: { type: { nin: "
    "[\"completed\", \"canceled\", \"duplicate\"] } } }) {\n"
    "      nodes { id identifier title description url priority estimate "
    "dueDate updatedAt\n"
    "        state { id name type } team { id name key } "
    "project { id name } }\n"
    "      pageInfo { hasNextPage endCursor }\n"
    "    }\n"
    "  }\n"
    "}";

/* Without includeArchived an issue that was finished long ago would look
 * deleted. One alias issue(id:) per id is no alternative: one unknown id would
 * make all of data null. */
static const char issues_by_id[] =
    "query IssuesById($ids: [ID!]!, $first: Int!) {\n"
    "  issues(first: $first, includeArchived: true, "
    "filter: { id: { in: $ids } }) {\n"
    "    nodes { id identifier archivedAt trashed completedAt canceledAt "
    "state { id type } team { id } assignee { id } }\n"
    "    pageInfo { hasNextPage endCursor }\n"
    "  }\n"
    "}";

static const char all_states[] =
    "query AllStates($first: Int!, $after: String) {\n"
    "  workflowStates(first: $first, after: $after,\n"
    "    filter: { type: { in: "
    "[\"completed\", \"unstarted\", \"backlog\"] } }) {\n"
    "    nodes { id name type position team { id } }\n"
    "    pageInfo { hasNextPage endCursor }\n"
    "  }\n"
    "}";

/* --- Requests ------------------------------------------------------------- */

static enum err
page_request(const struct connection *conn, const char *base_url,
    const char *document, const char *cursor, size_t most,
    struct http_request *out)
{
	cJSON *variables = cJSON_CreateObject();
	bool ok =
	    cJSON_AddNumberToObject(variables, "first", (double)most) != NULL;

	if (cursor != NULL)
		ok = ok && cJSON_AddStringToObject(
			       variables, "after", cursor) != NULL;
	return linear_request(conn, base_url, document, variables, ok, out);
}

enum err
linear_issues_request(const struct connection *conn, const char *base_url,
    const char *const *ids, size_t count, struct http_request *out)
{
	cJSON *variables, *list, *id;
	bool ok = true;

	if (count == 0 || count > LINEAR_FIRST)
		return err_set(ERR_BUG, "linear: %zu issues at once", count);
	for (size_t i = 0; i < count; i++) {
		if (!provider_id_is_valid(ids[i]))
			return err_set(ERR_INPUT, "not an issue's id");
	}
	variables = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(variables, "ids");
	for (size_t i = 0; i < count && ok; i++) {
		id = cJSON_CreateString(ids[i]);
		ok = cJSON_AddItemToArray(list, id);
		if (!ok)
			cJSON_Delete(id);
	}
	ok = ok &&
	     cJSON_AddNumberToObject(variables, "first", (double)count) != NULL;
	return linear_request(conn, base_url, issues_by_id, variables, ok, out);
}

/* --- Lists ---------------------------------------------------------------- */

bool
linear_is_closed(const char *state_type)
{
	return strcmp(state_type, "completed") == 0 ||
	       strcmp(state_type, "canceled") == 0 ||
	       strcmp(state_type, "duplicate") == 0;
}

const char *
linear_issue_read(const cJSON *node, struct linear_issue *issue)
{
	const cJSON *state = json_path(node, "state", NULL);
	const cJSON *trashed = json_path(node, "trashed", NULL);
	const cJSON *assignee = json_path(node, "assignee", NULL);
	const char *archived_at;

	memset(issue, 0, sizeof(*issue));
	issue->id = provider_id(node, "id");
	issue->identifier = json_str(node, "identifier");
	issue->state_id = provider_id(state, "id");
	issue->state_type = json_str(state, "type");
	issue->team_id = provider_id(json_path(node, "team", NULL), "id");
	issue->assignee_id = provider_id(assignee, "id");
	issue->is_trashed = cJSON_IsTrue(trashed);
	if (issue->id == NULL)
		return "an issue without a string as id";
	if (issue->state_id == NULL || issue->state_type == NULL)
		return "an issue without its state";
	if (issue->team_id == NULL)
		return "an issue without its team";
	if (trashed != NULL && !cJSON_IsBool(trashed) && !cJSON_IsNull(trashed))
		return "an issue that may be trashed or not";
	if (!provider_optional(node, "archivedAt", &archived_at))
		return "an archivedAt that is no string";
	if (assignee != NULL && !cJSON_IsNull(assignee) &&
	    issue->assignee_id == NULL)
		return "an assignee without a string as id";
	issue->is_archived = archived_at != NULL;
	return NULL;
}

/* The state of an active issue is what reopening goes back to. A closed issue
 * has nothing that a later write needs, so what was stored before is kept. */
static bool
make_metadata(const struct linear_issue *issue, char **out)
{
	const struct {
		const char *name, *text;
	} parts[] = {
		{ "team_id", issue->team_id },
		{ "state_id", issue->state_id },
		{ "state_type", issue->state_type },
		{ "identifier", issue->identifier },
	};
	cJSON *json;
	bool ok = true;

	if (linear_is_closed(issue->state_type))
		return true;
	json = cJSON_CreateObject();
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (parts[i].text != NULL)
			ok = ok && cJSON_AddStringToObject(json, parts[i].name,
				       parts[i].text) != NULL;
	}
	return provider_text(json, ok, out) == OK;
}

static bool
make_bag(const cJSON *node, const struct linear_issue *issue,
    const struct item *item, char **out)
{
	const cJSON *team = json_path(node, "team", NULL);
	const cJSON *project = json_path(node, "project", NULL);
	const cJSON *state = json_path(node, "state", NULL);
	struct bag bag = bag_make();

	bag_text(&bag, "identifier", issue->identifier);
	bag_description(&bag, node);
	bag_text(&bag, "teamId", issue->team_id);
	bag_text(&bag, "teamName", json_str(team, "name"));
	bag_text(&bag, "teamKey", json_str(team, "key"));
	bag_text(&bag, "projectId", json_str(project, "id"));
	bag_text(&bag, "projectName", json_str(project, "name"));
	bag_text(&bag, "state", json_str(state, "name"));
	bag_text(&bag, "stateType", issue->state_type);
	bag_value(&bag, "estimate", node, "estimate", cJSON_Number);
	bag_text(&bag, "url", item->source_url);
	return bag_take(&bag, out);
}

/* "[ENG-12] Title", as Flowpin's own client writes it. */
static bool
make_title(const char *identifier, const char *title, char **out)
{
	if (identifier == NULL || *identifier == '\0')
		return provider_copy(title, out);
	if (asprintf(out, "[%s] %s", identifier, title) < 0)
		*out = NULL;
	return *out != NULL;
}

static enum err
list_request(const struct connection *conn, const char *base_url,
    const char *cursor, size_t most, struct http_request *out)
{
	return page_request(conn, base_url, active_issues, cursor, most, out);
}

static enum err
list_add(struct items *items, const cJSON *node, struct answer *failure)
{
	const char *title = json_str(node, "title");
	struct linear_issue issue;
	const char *wrong, *url;
	struct item *item;

	wrong = linear_issue_read(node, &issue);
	if (wrong == NULL && title == NULL)
		wrong = "an issue without title";
	if (wrong == NULL && !provider_optional(node, "url", &url))
		wrong = "a url that is no string";
	if (wrong != NULL)
		return provider_add_odd(
		    items, "linear", issue.id, wrong, failure);
	if (linear_is_closed(issue.state_type))
		return OK;
	item = items_add(items);
	if (item == NULL || !provider_copy(issue.id, &item->source_id) ||
	    !make_title(issue.identifier, title, &item->title) ||
	    !provider_copy(url, &item->source_url) ||
	    !make_metadata(&issue, &item->metadata) ||
	    !make_bag(node, &issue, item, &item->bag))
		return provider_no_memory(failure);
	return OK;
}

static enum err
list_read(const cJSON *json, const char *cursor, struct page *page,
    struct answer *failure)
{
	const cJSON *viewer = json_path(json, "data", "viewer", NULL);
	const char *account = provider_id(viewer, "id");
	const char *wrong, *next;
	const cJSON *nodes, *node;
	enum err err;

	wrong = linear_list_read(
	    json_path(viewer, "assignedIssues", NULL), cursor, &nodes, &next);
	if (account == NULL)
		wrong = "no viewer";
	if (wrong != NULL)
		return provider_bad_answer(failure, "linear: %s", wrong);
	cJSON_ArrayForEach(node, nodes)
	{
		page->rows++;
		err = list_add(&page->items, node, failure);
		if (err)
			return err;
	}
	page->end = next == NULL;
	if (!provider_copy(account, &page->account_id) ||
	    !provider_copy(next, &page->next_cursor))
		return provider_no_memory(failure);
	return OK;
}

static enum err
list_response(const struct connection *conn, const char *cursor, size_t most,
    const struct http_response *res, struct page *out, struct answer *failure)
{
	struct page page = { 0 };
	cJSON *json = NULL;
	enum err err;

	(void)conn;
	(void)most;
	if (linear_read(res, &json, failure))
		err = list_read(json, cursor, &page, failure);
	else
		err = provider_failed(failure);
	cJSON_Delete(json);
	if (err) {
		page_done(&page);
		return err;
	}
	*out = page;
	return OK;
}

/* --- Workflow states ------------------------------------------------------ */

const char *
linear_state_read(const cJSON *node, struct linear_state *state)
{
	const cJSON *position = json_path(node, "position", NULL);

	state->id = provider_id(node, "id");
	state->type = json_str(node, "type");
	state->team_id = provider_id(json_path(node, "team", NULL), "id");
	if (state->id == NULL || state->type == NULL)
		return "a state without id or type";
	if (!cJSON_IsNumber(position))
		return "a state without position";
	state->position = position->valuedouble;
	return NULL;
}

bool
linear_state_precedes(
    const struct linear_state *a, const struct linear_state *b)
{
	if (a->position < b->position || a->position > b->position)
		return a->position < b->position;
	return strcmp(a->id, b->id) < 0;
}

/* While it grows, the patch also has the positions of the chosen states and the
 * cursor of the next page, because a team's states may be on two pages. */
#define SCRATCH "scratch"

static cJSON *
patch_open(const char *text)
{
	cJSON *patch = provider_object(text);
	cJSON *scratch;

	if (patch != NULL)
		return patch;
	patch = cJSON_CreateObject();
	scratch = cJSON_AddObjectToObject(patch, SCRATCH);
	if (cJSON_AddObjectToObject(patch, "teamDoneStates") != NULL &&
	    cJSON_AddObjectToObject(scratch, "positions") != NULL)
		return patch;
	cJSON_Delete(patch);
	return NULL;
}

static bool
patch_consider(cJSON *patch, const struct linear_state *state)
{
	const char *team = state->team_id;
	cJSON *done = cJSON_GetObjectItemCaseSensitive(patch, "teamDoneStates");
	cJSON *positions = cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(patch, SCRATCH), "positions");
	const cJSON *position = json_path(positions, team, NULL);
	struct linear_state best = { .id = json_str(done, team) };

	if (strcmp(state->type, "completed") != 0)
		return true;
	if (best.id != NULL && cJSON_IsNumber(position)) {
		best.position = position->valuedouble;
		if (!linear_state_precedes(state, &best))
			return true;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(done, team);
	cJSON_DeleteItemFromObjectCaseSensitive(positions, team);
	return cJSON_AddStringToObject(done, team, state->id) != NULL &&
	       cJSON_AddNumberToObject(positions, team, state->position) !=
		   NULL;
}

static bool
patch_turn_page(cJSON *patch, const char *next)
{
	cJSON *scratch = cJSON_GetObjectItemCaseSensitive(patch, SCRATCH);

	if (next == NULL) {
		cJSON_DeleteItemFromObjectCaseSensitive(patch, SCRATCH);
		return true;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(scratch, "cursor");
	return cJSON_AddStringToObject(scratch, "cursor", next) != NULL;
}

static enum err
metadata_request(const struct connection *conn, const char *base_url,
    const char *cursor, struct http_request *out)
{
	return page_request(
	    conn, base_url, all_states, cursor, LINEAR_FIRST, out);
}

/* Add the states of one page to patch. *next is borrowed from json. */
static enum err
metadata_read(
    const cJSON *json, cJSON *patch, const char **next, struct answer *failure)
{
	const char *cursor =
	    json_str(json_path(patch, SCRATCH, NULL), "cursor");
	const cJSON *list = json_path(json, "data", "workflowStates", NULL);
	const cJSON *nodes, *node;
	struct linear_state state;
	const char *wrong;

	wrong = linear_list_read(list, cursor, &nodes, next);
	if (wrong != NULL)
		return provider_bad_answer(failure, "linear: %s", wrong);
	cJSON_ArrayForEach(node, nodes)
	{
		wrong = linear_state_read(node, &state);
		if (wrong == NULL && state.team_id == NULL)
			wrong = "a state without its team";
		if (wrong != NULL)
			return provider_bad_answer(
			    failure, "linear: %s", wrong);
		if (!patch_consider(patch, &state))
			return provider_no_memory(failure);
	}
	return patch_turn_page(patch, *next) ? OK : provider_no_memory(failure);
}

/* A team without a completed state gets no entry. An old entry goes, because
 * the patch replaces all of teamDoneStates. */
static enum err
metadata_response(const struct http_response *res, char **patch,
    char **next_cursor, struct answer *failure)
{
	cJSON *json = NULL, *grown = NULL;
	char *text = NULL, *cursor = NULL;
	const char *next = NULL;
	enum err err;

	if (!linear_read(res, &json, failure)) {
		err = provider_failed(failure);
		goto out;
	}
	grown = patch_open(*patch);
	err = grown == NULL ? provider_no_memory(failure)
			    : metadata_read(json, grown, &next, failure);
	if (err)
		goto out;
	err = provider_text(grown, true, &text);
	grown = NULL;
	if (err || !provider_copy(next, &cursor)) {
		err = provider_no_memory(failure);
		goto out;
	}
	free(*patch);
	*patch = text;
	text = NULL;
	*next_cursor = cursor;
out:
	free(text);
	cJSON_Delete(grown);
	cJSON_Delete(json);
	return err;
}

/* --- Reading by id -------------------------------------------------------- */

static enum item_state
issue_state(const struct connection *conn, const struct linear_issue *issue)
{
	/* clang-format off */
	static const struct {
		const char *type;
		enum item_state state;
	} closed[] = {
		{ "completed", ITEM_COMPLETED },
		{ "canceled",  ITEM_CANCELED },
		{ "duplicate", ITEM_DUPLICATE },
	};
	/* clang-format on */

	if (issue->is_trashed)
		return ITEM_DELETED;
	for (size_t i = 0; i < COUNT(closed); i++) {
		if (strcmp(issue->state_type, closed[i].type) == 0)
			return closed[i].state;
	}
	if (issue->is_archived)
		return ITEM_ARCHIVED;
	if (conn->account_id != NULL &&
	    !linear_is_same(issue->assignee_id, conn->account_id))
		return ITEM_REASSIGNED;
	return ITEM_OPEN;
}

static const cJSON *
find_issue(const cJSON *nodes, const char *id)
{
	const cJSON *node;

	cJSON_ArrayForEach(node, nodes)
	{
		if (linear_is_same(json_str(node, "id"), id))
			return node;
	}
	return NULL;
}

static enum err
read_one(const struct connection *conn, const cJSON *nodes, const char *id,
    struct items *items, struct answer *failure)
{
	const cJSON *node = find_issue(nodes, id);
	struct item *item = items_add(items);
	struct linear_issue issue;
	const char *wrong;

	if (item == NULL || !provider_copy(id, &item->source_id))
		return provider_no_memory(failure);
	item->state = ITEM_NOT_VISIBLE;
	if (node == NULL)
		return OK;
	wrong = linear_issue_read(node, &issue);
	if (wrong == NULL && json_path(node, "assignee", NULL) == NULL)
		wrong = "an issue that does not tell its assignee";
	if (wrong != NULL)
		return provider_bad_answer(failure, "linear: %s", wrong);
	item->state = issue_state(conn, &issue);
	if (!make_metadata(&issue, &item->metadata))
		return provider_no_memory(failure);
	return OK;
}

/* A node whose id cannot be read may be any of the issues that were asked for,
 * so none of them may be called missing. */
static const char *
check_ids(const cJSON *nodes)
{
	const cJSON *node;

	cJSON_ArrayForEach(node, nodes)
	{
		if (provider_id(node, "id") == NULL)
			return "an issue without a string as id";
	}
	return NULL;
}

static enum err
read_all(const struct connection *conn, const char *const *ids, size_t count,
    const cJSON *json, struct items *items, struct answer *failure)
{
	const cJSON *nodes;
	const char *wrong, *next;
	enum err err = OK;

	wrong = linear_list_read(
	    json_path(json, "data", "issues", NULL), NULL, &nodes, &next);
	if (wrong == NULL && next != NULL)
		wrong = "more issues than were asked for";
	if (wrong == NULL)
		wrong = check_ids(nodes);
	if (wrong != NULL)
		return provider_bad_answer(failure, "linear: %s", wrong);
	for (size_t i = 0; i < count && !err; i++)
		err = read_one(conn, nodes, ids[i], items, failure);
	return err;
}

static enum err
read_response(const struct connection *conn, const char *const *ids,
    size_t count, const struct http_response *res, struct items *out,
    struct answer *failure)
{
	struct items items = { 0 };
	cJSON *json = NULL;
	enum err err;

	if (linear_read(res, &json, failure))
		err = read_all(conn, ids, count, json, &items, failure);
	else
		err = provider_failed(failure);
	cJSON_Delete(json);
	if (!err)
		err = provider_items_move(&items, out);
	items_done(&items);
	return err;
}

/* --- Who is it? ----------------------------------------------------------- */

static enum err
account_request(const struct connection *conn, const char *base_url,
    struct http_request *out)
{
	return linear_request(conn, base_url, "query WhoAmI { viewer { id } }",
	    cJSON_CreateObject(), true, out);
}

static enum err
account_response(
    const struct http_response *res, char **account_id, struct answer *failure)
{
	cJSON *json = NULL;
	enum err err;

	if (!linear_read(res, &json, failure)) {
		cJSON_Delete(json);
		return provider_failed(failure);
	}
	err = provider_account("linear",
	    provider_id(json_path(json, "data", "viewer", NULL), "id"),
	    account_id, failure);
	cJSON_Delete(json);
	return err;
}

/* A filter with anything but UUIDs is refused as a whole. */
static bool
is_id(const char *source_id)
{
	char uuid[CRYPTO_UUID];

	/* Linear's are in lower case, and are compared as they are */
	return crypto_uuid_parse(source_id, uuid) && !strcmp(source_id, uuid);
}

const struct provider provider_linear = {
	.name = "linear",
	.title = "Linear",
	.list_max = LINEAR_FIRST,
	.list_request = list_request,
	.list_response = list_response,
	.account_request = account_request,
	.account_response = account_response,
	.list_tells_account = true,
	.metadata_request = metadata_request,
	.metadata_response = metadata_response,
	.read_max = LINEAR_FIRST,
	.read_most = 250, /* of 2500 in an hour */
	.read_request = linear_issues_request,
	.read_response = read_response,
	.is_id = is_id,
	.ask_request = linear_ask_request,
	.ask_response = linear_ask_response,
	.write_request = linear_write_request,
	.write_response = linear_write_response,
	.fulfilment = provider_state_fits,
};
