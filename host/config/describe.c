/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of keys for other tools: a JSON schema. */
#include <stdlib.h>
#include <string.h>

#include "config/internal.h"
#include "util/check.h"

/* The object that a section's keys stand in, made when it is not there. */
static cJSON *section_of(cJSON *properties, const char *name)
{
    cJSON *section = cJSON_GetObjectItemCaseSensitive(properties, name);
    if (!section) {
        section = cJSON_AddObjectToObject(properties, name);
        cJSON_AddStringToObject(section, "type", "object");
        cJSON_AddObjectToObject(section, "properties");
        cJSON_AddFalseToObject(section, "additionalProperties");
    }
    return cJSON_GetObjectItemCaseSensitive(section, "properties");
}

char *config_schema_json(void)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(root, "title", "Configuration of Oriel");
    cJSON_AddStringToObject(root, "type", "object");
    cJSON *properties = cJSON_AddObjectToObject(root, "properties");
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        char *path = xstrdup(options[i].name), *rest = path;
        cJSON *into = properties;
        for (char *dot; (dot = strchr(rest, '.')); rest = dot + 1) {
            *dot = '\0';
            into = section_of(into, rest);
        }
        cJSON_AddItemToObject(into, rest, option_schema(&options[i]));
        free(path);
    }
    /* Options of modules, under the modules' ids. */
    cJSON *modules = cJSON_AddObjectToObject(root, "patternProperties");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(modules, "/"), "type", "object");
    cJSON_AddFalseToObject(root, "additionalProperties");
    char *text = cJSON_Print(root);
    CHECK(text);
    cJSON_Delete(root);
    return text;
}
