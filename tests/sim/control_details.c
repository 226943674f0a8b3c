/*
 * What a person at a provider may write into an item and no state depends on:
 * texts, labels, estimates, projects.
 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include "call.h"

bool
control_set_description(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsString(v) && !cJSON_IsNull(v))
		return control_refuse(
		    ct, 400, "A description is a string or null.");
	mem_set(&it->description, cJSON_GetStringValue(v));
	return true;
}

/* Kept as JSON, which nothing here looks into; null: as if never set. */
static void
set_json(char **place, const cJSON *v)
{
	char *text = cJSON_IsNull(v) ? NULL : cJSON_PrintUnformatted(v);

	mem_set(place, text);
	free(text);
}

bool
control_set_labels(struct control *ct, struct item *it, const cJSON *v)
{
	const cJSON *label;

	if (!cJSON_IsArray(v))
		return control_refuse(ct, 400, "'labels' is a list of names.");
	cJSON_ArrayForEach(label, v)
	{
		if (!cJSON_IsString(label))
			return control_refuse(ct, 400, "A label is a string.");
	}
	set_json(&it->labels, v);
	return true;
}

bool
control_set_duration(struct control *ct, struct item *it, const cJSON *v)
{
	const cJSON *amount = cJSON_GetObjectItemCaseSensitive(v, "amount");
	const char *unit =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(v, "unit"));

	if (!cJSON_IsNull(v) &&
	    (!cJSON_IsNumber(amount) || !unit ||
		(strcmp(unit, "minute") != 0 && strcmp(unit, "day") != 0)))
		return control_refuse(ct, 400,
		    "A duration is {amount, unit} with unit minute or day, or "
		    "null.");
	set_json(&it->duration, v);
	return true;
}

bool
control_set_estimate(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsNumber(v) && !cJSON_IsNull(v))
		return control_refuse(
		    ct, 400, "An estimate is a number or null.");
	set_json(&it->estimate, v);
	return true;
}

bool
control_set_linked_records(struct control *ct, struct item *it, const cJSON *v)
{
	if (!cJSON_IsArray(v))
		return control_refuse(ct, 400, "'linked_records' is a list.");
	set_json(&it->linked_records, v);
	return true;
}

/* By name: issues of one account that name the same one share its id. */
bool
control_set_project_name(struct control *ct, struct item *it, const cJSON *v)
{
	const char *name = cJSON_GetStringValue(v);
	const struct account *acc = it->acc;
	const struct item *other = NULL;
	char id[40];
	size_t i;

	if (!name && !cJSON_IsNull(v))
		return control_refuse(
		    ct, 400, "A project is a string or null.");
	for (i = 0; name && !other && i < acc->n; i++)
		if (acc->items[i] && acc->items[i]->project_name &&
		    strcmp(acc->items[i]->project_name, name) == 0)
			other = acc->items[i];
	if (name && !other)
		ids_uuid(&ct->sim->ids, id);
	if (!name || !other)
		mem_set(&it->project_id, name ? id : NULL);
	else if (other != it)
		mem_set(&it->project_id, other->project_id);
	mem_set(&it->project_name, name);
	return true;
}
