/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/modules_markdown.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "config/config.h"
#include "module/registry.h"
#include "util/check.h"

static const char *text_of(const cJSON *json, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text ? text : "";
}

/* One line of a table. A `|` in a cell would end it. */
static void row(FILE *out, const char *name, const char *wants, const cJSON *value,
                const cJSON *least, const cJSON *most, const char *help)
{
    char *text = value ? cJSON_PrintUnformatted(value) : xstrdup("");
    CHECK(text);
    fprintf(out, "| `%s` | %s", name, wants);
    if (least && most)
        fprintf(out, " %.15g … %.15g", least->valuedouble, most->valuedouble);
    fprintf(out, " | %s%s%s | ", text[0] ? "`" : "", text, text[0] ? "`" : "");
    for (const char *at = help; *at; at++)
        fprintf(out, *at == '|' ? "\\%c" : "%c", *at);
    fprintf(out, " |\n");
    free(text);
}

static const char table_head[] = "| name | value | default | meaning |\n|---|---|---|---|\n";

static char *enum_text(const cJSON *names)
{
    char *text = xstrdup("");
    for (const cJSON *name = names->child; name; name = name->next) {
        char *more = xasprintf("%s%s%s", text, text[0] ? ", " : "", cJSON_GetStringValue(name));
        free(text);
        text = more;
    }
    return text;
}

static void host_keys(FILE *out, const cJSON *properties, const char *prefix)
{
    for (const cJSON *key = properties->child; key; key = key->next) {
        const cJSON *below = cJSON_GetObjectItemCaseSensitive(key, "properties");
        char *name = xasprintf("%s%s%s", prefix, prefix[0] ? "." : "", key->string);
        if (below) {
            if (!prefix[0])
                fprintf(out, "\n### %s\n\n%s", name, table_head);
            host_keys(out, below, name);
        } else {
            if (key == properties->child && !prefix[0]) /* those without a section come first */
                fprintf(out, "%s", table_head);
            const cJSON *names = cJSON_GetObjectItemCaseSensitive(key, "enum");
            char *wants = names ? enum_text(names) : xstrdup(text_of(key, "type"));
            row(out, name, wants, cJSON_GetObjectItemCaseSensitive(key, "default"),
                cJSON_GetObjectItemCaseSensitive(key, "minimum"),
                cJSON_GetObjectItemCaseSensitive(key, "maximum"), text_of(key, "description"));
            free(wants);
        }
        free(name);
    }
}

static void module_options(FILE *out, const struct module *module)
{
    fprintf(out, "\n### %s\n\n%s Licence: %s.\n", module->id, module->description, module->license);
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        const cJSON *facts = cJSON_GetObjectItemCaseSensitive(
            module->facts, module_kind_name((enum module_kind)kind));
        const cJSON *options = cJSON_GetObjectItemCaseSensitive(facts, "options");
        if (!options || !options->child)
            continue;
        fprintf(out, "\n%s", table_head);
        for (const cJSON *option = options->child; option; option = option->next) {
            const char *choices = text_of(option, "choices");
            row(out, text_of(option, "name"), choices[0] ? choices : text_of(option, "type"),
                cJSON_GetObjectItemCaseSensitive(option, "default"),
                cJSON_GetObjectItemCaseSensitive(option, "min"),
                cJSON_GetObjectItemCaseSensitive(option, "max"), text_of(option, "help"));
        }
    }
}

static int by_id(const void *a, const void *b)
{
    const struct module *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

void modules_print_markdown(const struct registry *registry, FILE *out)
{
    fprintf(out,
            "# Keys and options\n\n"
            "Written by `oriel modules --markdown` from the tables in the code. How they are put "
            "together:\n[configuration.md](configuration.md).\n\n## Keys of the host\n\n");
    char *schema = config_schema_json();
    cJSON *root = cJSON_Parse(schema);
    CHECK(root);
    host_keys(out, cJSON_GetObjectItemCaseSensitive(root, "properties"), "");
    cJSON_Delete(root);
    free(schema);

    fprintf(out, "\n## Options of modules\n\nUnder the module's id, as `\"encode/x264\": "
                 "{\"preset\": \"fast\"}`. An option that has the name of\na key of its kind's "
                 "section takes that key's value: encoders from `stream`, transports from "
                 "`server`,\nsources from `data`, scene and capture modules from `render`.\n");
    size_t count = 0;
    const struct module **usable = xcalloc(registry_count(registry), sizeof(*usable));
    for (size_t i = 0; i < registry_count(registry); i++) {
        if (!registry_at(registry, i)->reason)
            usable[count++] = registry_at(registry, i);
    }
    qsort(usable, count, sizeof(*usable), by_id);
    for (size_t i = 0; i < count; i++)
        module_options(out, usable[i]);
    free(usable);
}
