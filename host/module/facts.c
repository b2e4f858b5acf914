/* SPDX-License-Identifier: BSD-3-Clause */
/* What a module says of itself, as JSON: for the probe's answer, the cache and `oriel modules`. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/option.h"
#include "module/inspect.h"
#include "oriel/encoder.h"
#include "oriel/scene.h"
#include "oriel/scene_module.h"

#define MOST 64 /* formats of one module; one that never ends its list must not hang the probe */

const char *inspect_fourcc(unsigned fourcc, char text[5])
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(fourcc >> (8 * i));
        text[i] = isprint((unsigned char)c) ? c : '?';
    }
    text[4] = '\0';
    for (int i = 3; i > 0 && text[i] == ' '; i--)
        text[i] = '\0';
    return text;
}

static const char *const option_types[] = {"", "bool", "int", "float", "string", "enum"};

unsigned inspect_option_type(const char *name)
{
    for (unsigned type = ORIEL_OPT_BOOL; name && type <= ORIEL_OPT_ENUM; type++) {
        if (strcmp(option_types[type], name) == 0)
            return type;
    }
    return 0;
}

static cJSON *option_facts(const struct oriel_option_table *table)
{
    cJSON *list = cJSON_CreateArray();
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        cJSON *facts = cJSON_CreateObject();
        cJSON_AddStringToObject(facts, "name", option->name);
        cJSON_AddStringToObject(facts, "type", option_types[option->type]);
        struct option_value value;
        if (option->default_value && option_default(option, &value, NULL)) {
            cJSON_AddItemToObject(facts, "default", option_to_json(option, &value));
            option_value_finish(&value);
        }
        if (option->min != 0 || option->max != 0) {
            cJSON_AddNumberToObject(facts, "min", option->min);
            cJSON_AddNumberToObject(facts, "max", option->max);
        }
        if (option->choices)
            cJSON_AddStringToObject(facts, "choices", option->choices);
        cJSON_AddStringToObject(facts, "help", option->help);
        cJSON_AddBoolToObject(facts, "live", (option->flags & ORIEL_OPT_LIVE) != 0);
        cJSON_AddBoolToObject(facts, "required", (option->flags & ORIEL_OPT_REQUIRED) != 0);
        cJSON_AddBoolToObject(facts, "secret", (option->flags & ORIEL_OPT_SECRET) != 0);
        cJSON_AddItemToArray(list, facts);
    }
    return list;
}

static void encoder_facts(const struct oriel_encoder *encoder, cJSON *facts)
{
    static const char *const domains[] = {"any", "cpu", "gl", "cuda", "dmabuf"};
    cJSON *formats = cJSON_AddArrayToObject(facts, "formats");
    struct oriel_format format = {0};
    for (uint32_t i = 0; i < MOST && encoder->input_format(i, &format) == ORIEL_OK; i++) {
        char text[5];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "fourcc", inspect_fourcc(format.fourcc, text));
        cJSON_AddStringToObject(item, "domain",
                                format.domain < 5 ? domains[format.domain] : "other");
        cJSON_AddNumberToObject(item, "matrix", format.matrix);
        cJSON_AddBoolToObject(item, "full_range", format.full_range != 0);
        cJSON_AddItemToArray(formats, item);
        format = (struct oriel_format){0};
    }
    cJSON *codecs = cJSON_AddArrayToObject(facts, "codecs");
    uint32_t codec;
    for (uint32_t i = 0; i < MOST && encoder->codec(i, &codec) == ORIEL_OK; i++) {
        char text[5];
        cJSON_AddItemToArray(codecs, cJSON_CreateString(inspect_fourcc(codec, text)));
    }
}

static void scene_facts(const struct oriel_scene_module *scene, cJSON *facts)
{
    static const char *const kinds[] = {"none", "image", "labels", "points", "shapes"};
    cJSON *layers = cJSON_AddArrayToObject(facts, "layers");
    uint32_t kind;
    for (uint32_t i = 0; i < MOST && scene->kind(i, &kind) == ORIEL_OK; i++)
        cJSON_AddItemToArray(layers, cJSON_CreateString(kind < 5 ? kinds[kind] : "other"));
}

cJSON *inspect_facts(const void *vtable, enum module_kind kind)
{
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddItemToObject(facts, "options", option_facts(inspect_options(vtable)));
    if (kind == MODULE_ENCODER)
        encoder_facts(vtable, facts);
    else if (kind == MODULE_SCENE)
        scene_facts(vtable, facts);
    return facts;
}
