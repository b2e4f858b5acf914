/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel modules`: every module found, usable or not, what the configuration names in vain, and the
 * devices that can draw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "cli/modules_devices.h"
#include "cli/modules_ladder.h"
#include "cli/modules_markdown.h"
#include "cli/options.h"
#include "config/config.h"
#include "module/inventory.h"
#include "module/quarantine.h"
#include "util/check.h"

static const char usage[] =
    "usage: oriel modules [--try] [--json | --markdown] [--no-quarantine]\n"
    "Lists every module found: what can be used, what was refused and why, what is missing; and "
    "the\ngraphics devices, whose index or UUID is what render.device takes.\n"
    "  --try                make each encoder of the configuration and measure it, apart\n"
    "  --json               for programs, with options, formats and codecs\n"
    "  --no-quarantine      forget which modules brought a server down: they are used again\n"
    "  --markdown           all keys and options as the page docs/options.md\n";

static void print_json(const struct inventory *inventory, cJSON *ladder)
{
    cJSON *json = inventory_json(inventory);
    cJSON_AddItemToObject(json, "ladder", ladder);
    cJSON_AddItemToObject(json, "devices", modules_devices());
    char *text = cJSON_Print(json);
    CHECK(text);
    printf("%s\n", text);
    free(text);
    cJSON_Delete(json);
}

/* "h264, jpeg" or "image, labels": what tells the modules of a kind apart. */
static char *abilities(const struct module *module, const char *kind)
{
    const cJSON *facts = cJSON_GetObjectItemCaseSensitive(module->facts, kind);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(facts, "codecs");
    if (!list)
        list = cJSON_GetObjectItemCaseSensitive(facts, "layers");
    char *text = xstrdup("");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        char *more = xasprintf("%s%s%s", text, text[0] ? ", " : "", cJSON_GetStringValue(item));
        free(text);
        text = more;
    }
    return text;
}

struct columns {
    int id, kind, version, abilities;
};

static void widen(int *width, const char *text)
{
    if ((int)strlen(text) > *width)
        *width = (int)strlen(text);
}

static void row(const struct inventory *inventory, const struct module *module,
                enum module_kind kind, struct columns *columns, bool measure)
{
    const char *name = module_kind_name(kind);
    char *able = abilities(module, name);
    if (measure) {
        widen(&columns->id, module->id);
        widen(&columns->kind, name);
        widen(&columns->version, module->version);
        widen(&columns->abilities, able);
    } else {
        printf("%c %-*s  %-*s  %-*s  %u.%u  %-*s  %s\n",
               inventory_wants(inventory, kind, module->id) ? '*' : ' ', columns->id, module->id,
               columns->kind, name, columns->version, module->version, module->abi_major,
               module->abi_minor, columns->abilities, able, module->path);
    }
    free(able);
}

static void table(const struct inventory *inventory, struct columns *columns, bool measure)
{
    for (int kind = 0; kind < MODULE_KIND_COUNT; kind++) {
        for (size_t i = 0; i < registry_count(inventory->registry); i++) {
            const struct module *module = registry_at(inventory->registry, i);
            if (!module->reason && module->kinds[kind])
                row(inventory, module, (enum module_kind)kind, columns, measure);
        }
    }
}

static void print_missing(void *data, const struct inventory_list *list, const char *id,
                          const char *reason)
{
    bool *first = data;
    (void)id;
    printf("%s  %s: %s\n", *first ? "\nNamed in the configuration, but not usable:\n" : "",
           list->key, reason);
    *first = false;
}

static void print_people(const struct inventory *inventory)
{
    struct columns columns = {2, 4, 7, 4};
    table(inventory, &columns, true);
    printf("  %-*s  %-*s  %-*s  ABI  %-*s  FILE\n", columns.id, "ID", columns.kind, "KIND",
           columns.version, "VERSION", columns.abilities, "DOES");
    table(inventory, &columns, false);
    printf("\n* named in the configuration\n");
    const char *head = "\nRefused:\n";
    for (size_t i = 0; i < registry_count(inventory->registry); i++) {
        const struct module *module = registry_at(inventory->registry, i);
        if (module->reason) {
            printf("%s  %s\n", head, module->reason);
            head = "";
        }
    }
    bool first = true;
    inventory_missing(inventory, print_missing, &first);
}

static void show(const struct inventory *inventory, struct registry *registry, bool try, bool json)
{
    cJSON *ladder = modules_ladder(inventory->config, registry, try);
    if (json) {
        print_json(inventory, ladder);
        return;
    }
    print_people(inventory);
    modules_ladder_print(ladder, stdout);
    cJSON_Delete(ladder);
    cJSON *devices = modules_devices();
    modules_devices_print(devices, stdout);
    cJSON_Delete(devices);
}

int cli_modules(int argc, char **argv)
{
    struct cli_options options;
    bool markdown = false, try = false, lift = false;
    const struct cli_flag flags[] = {{.name = "markdown", .on = &markdown},
                                     {.name = "try", .on = &try},
                                     {.name = "no-quarantine", .on = &lift},
                                     {0}};
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    struct config *config = NULL;
    struct error err;
    if (options.argument_count)
        status = cli_fail(CLI_USAGE, "modules: takes no \"%s\"", options.arguments[0]);
    else
        status = cli_options_load(&options, &config);
    if (status == CLI_GO_ON && lift && !quarantine_lift(config, &err))
        status = cli_fail(CLI_FAILED, "%s", err.text);
    if (status == CLI_GO_ON) {
        struct registry *registry = registry_create(config, &err);
        const struct inventory inventory = {config, registry};
        status = registry ? CLI_DONE : cli_fail(CLI_USAGE, "%s", err.text);
        if (registry && markdown)
            modules_print_markdown(registry, stdout);
        else if (registry)
            show(&inventory, registry, try, options.json);
        registry_destroy(registry);
    }
    config_destroy(config);
    cli_options_finish(&options);
    return status;
}
