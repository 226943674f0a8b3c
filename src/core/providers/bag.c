/* Bags: JSON objects that borrow their values, so that a list's text is in
 * memory only once. */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "shared.h"

struct bag
bag_make(void)
{
	struct bag bag = { .json = cJSON_CreateObject() };

	bag.is_whole = bag.json != NULL;
	return bag;
}

static void
add(struct bag *bag, const char *name, cJSON *value)
{
	/* name is a literal and need not be copied */
	if (value != NULL && cJSON_AddItemToObjectCS(bag->json, name, value))
		return;
	cJSON_Delete(value);
	bag->is_whole = false;
}

void
bag_text(struct bag *bag, const char *name, const char *text)
{
	if (text != NULL)
		add(bag, name, cJSON_CreateStringReference(text));
}

/* How many bytes of text to keep, most at most, without splitting a character:
 * bytes 10xxxxxx continue one (RFC 3629), and text is known to be UTF-8. */
static size_t
cut_length(const char *text, size_t most)
{
	size_t n = strnlen(text, most + 1);

	if (n <= most)
		return n;
	n = most;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
bag_description(struct bag *bag, const cJSON *object)
{
	const char *text = json_str(object, "description");
	char *cut;

	if (text == NULL || *text == '\0')
		return;
	cut = strndup(text, cut_length(text, ITEM_DESCRIPTION_MAX));
	if (cut == NULL)
		bag->is_whole = false;
	else
		add(bag, "description", cJSON_CreateString(cut));
	free(cut);
}

void
bag_value(struct bag *bag, const char *name, const cJSON *object,
    const char *from, int type)
{
	const cJSON *value = json_path(object, from, NULL);

	if (value == NULL || (value->type & 0xff) != type)
		return;
	if (type == cJSON_Number)
		add(bag, name, cJSON_CreateNumber(value->valuedouble));
	else if (type == cJSON_Array)
		add(bag, name, cJSON_CreateArrayReference(value->child));
	else
		add(bag, name, cJSON_CreateObjectReference(value->child));
}

bool
bag_take(struct bag *bag, char **out)
{
	cJSON *json = bag->json;

	bag->json = NULL;
	return provider_text(json, bag->is_whole, out) == OK;
}
