/* Bags: JSON objects that borrow what they are made of, so that a list costs
 * its text once. */
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
	/* name is a literal, which need not be copied either */
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
