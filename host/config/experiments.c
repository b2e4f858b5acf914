/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/experiments.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/internal.h"
#include "config/reload.h"
#include "util/check.h"
#include "util/nearest.h"

/* Where something stands: "oriel.json:12: experiments[0].arms[1]". */
struct place {
    char text[512];
};

static struct place inside(const struct place *place, const char *key, int index)
{
    struct place deeper;
    size_t n = (size_t)snprintf(deeper.text, sizeof deeper.text, "%.400s.%.60s", place->text, key);
    if (index >= 0)
        snprintf(deeper.text + n, sizeof deeper.text - n, "[%d]", index);
    return deeper;
}

static bool wants(const struct place *place, const char *key, const char *what, struct error *err)
{
    return error_set(err, "%s.%s: wants %s", place->text, key, what);
}

static bool known_keys(const struct place *place, const cJSON *object, const char *const *known,
                       struct error *err)
{
    if (!cJSON_IsObject(object))
        return error_set(err, "%s: wants an object, { … }", place->text);
    for (const cJSON *item = object->child; item; item = item->next) {
        struct nearest nearest = nearest_begin(item->string);
        bool found = false;
        for (size_t i = 0; known[i] && !found; i++) {
            nearest_offer(&nearest, known[i]);
            found = strcmp(known[i], item->string) == 0;
        }
        if (!found)
            return error_set(err, "%s.%s: unknown key%s", place->text, item->string,
                             nearest_hint(&nearest));
        for (const cJSON *other = item->next; other; other = other->next) {
            if (strcmp(other->string, item->string) == 0)
                return error_set(err, "%s.%s: is there twice", place->text, item->string);
        }
    }
    return true;
}

/* --- single values; one that is not there stays as it is --- */

static bool take_number(const struct place *place, const cJSON *object, const char *key, double low,
                        double high, bool whole, double *out, struct error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        return true;
    double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (!(value >= low && value <= high) || (whole && value != floor(value)))
        return error_set(err, "%s.%s: wants a %s from %g to %g", place->text, key,
                         whole ? "whole number" : "number", low, high);
    *out = value;
    return true;
}

static bool take_count(const struct place *place, const cJSON *object, const char *key, double low,
                       double high, uint32_t *out, struct error *err)
{
    double value = *out;
    bool good = take_number(place, object, key, low, high, true, &value, err);
    *out = (uint32_t)value;
    return good;
}

static bool is_name(const char *text, size_t room)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
            return false;
    }
    return length && length < room;
}

/* A name that is a label of metrics. */
static bool take_name(const struct place *place, const cJSON *object, const char *key, char *out,
                      size_t room, struct error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const char *text = cJSON_GetStringValue(item);
    if (!item && *out)
        return true;
    if (!text || !is_name(text, room))
        return error_set(err, "%s.%s: wants 1 to %zu letters, digits and - _ .", place->text, key,
                         room - 1);
    snprintf(out, room, "%s", text);
    return true;
}

static const char *const modes[] = {"solo", "shadow", "split", "switch", "interleave", "replay"};

const char *experiment_mode_name(enum experiment_mode mode)
{
    return modes[mode];
}

static bool take_mode(const struct place *place, const cJSON *object, enum experiment_mode *out,
                      struct error *err)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "mode"));
    struct nearest nearest = nearest_begin(text ? text : "");
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        nearest_offer(&nearest, modes[i]);
        if (text && strcmp(text, modes[i]) == 0) {
            *out = (enum experiment_mode)i;
            return true;
        }
    }
    return error_set(err, "%s.mode: wants one of: solo shadow split switch interleave replay%s",
                     place->text, nearest_hint(&nearest));
}

/* --- arms --- */

static bool take_options(const struct place *place, const cJSON *object, struct experiment_arm *arm,
                         struct error *err)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(object, "options");
    if (options && !cJSON_IsObject(options))
        return wants(place, "options", "an object of the module's options", err);
    for (const cJSON *item = options ? options->child : NULL; item; item = item->next) {
        struct place at = inside(place, "options", -1);
        if (!cJSON_IsString(item) && !cJSON_IsNumber(item) && !cJSON_IsBool(item))
            return wants(&at, item->string, "a text, a number, true or false", err);
    }
    arm->options = options ? cJSON_Duplicate(options, true) : NULL;
    return true;
}

static bool take_arm(const struct place *place, const cJSON *object, struct experiment_arm *arm,
                     struct error *err)
{
    static const char *const known[] = {"label", "module", "options", "weight", NULL};
    arm->weight = 1;
    if (!known_keys(place, object, known, err) ||
        !take_name(place, object, "label", arm->label, sizeof arm->label, err) ||
        !take_number(place, object, "weight", 0, 1e6, false, &arm->weight, err) ||
        !take_options(place, object, arm, err))
        return false;
    const char *module = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "module"));
    const char *slash = module ? strchr(module, '/') : NULL;
    if (!slash || slash == module || !slash[1] || strlen(module) >= sizeof arm->module)
        return wants(place, "module", "the id of an encoder, as encode/x264", err);
    strcpy(arm->module, module);
    return true;
}

static bool take_arms(const struct place *place, const cJSON *object, struct experiment_spec *spec,
                      struct error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, "arms"), *item;
    int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count < 1 || count > (int)EXPERIMENT_MOST_ARMS)
        return wants(place, "arms", "a list of 1 to 8 arms", err);
    cJSON_ArrayForEach(item, list)
    {
        struct place at = inside(place, "arms", (int)spec->arm_count);
        struct experiment_arm *arm = &spec->arms[spec->arm_count++];
        if (!take_arm(&at, item, arm, err))
            return false;
        for (uint32_t i = 0; i + 1 < spec->arm_count; i++) {
            if (strcmp(spec->arms[i].label, arm->label) == 0)
                return error_set(err, "%s.label: \"%s\" is there twice", at.text, arm->label);
        }
    }
    uint32_t least = spec->mode == EXPERIMENT_SOLO ? 1 : 2;
    uint32_t most = spec->mode == EXPERIMENT_SOLO     ? 1
                    : spec->mode == EXPERIMENT_SWITCH ? 2
                                                      : EXPERIMENT_MOST_ARMS;
    if (spec->arm_count < least || spec->arm_count > most)
        return error_set(err, "%s.arms: mode %s wants %u%s", place->text,
                         experiment_mode_name(spec->mode), least, least == most ? "" : " or more");
    double weights = 0;
    for (uint32_t i = 0; i < spec->arm_count; i++)
        weights += spec->arms[i].weight;
    return weights > 0 || error_set(err, "%s.arms: all have weight 0", place->text);
}

/* --- one experiment --- */

static bool take_guard(const struct place *place, const cJSON *object, struct experiment_spec *spec,
                       struct error *err)
{
    static const char *const known[] = {"frames", "drops", "p99_ms", "errors", NULL};
    const cJSON *guard = cJSON_GetObjectItemCaseSensitive(object, "guard");
    struct experiment_guard *out = &spec->guard;
    *out = (struct experiment_guard){.frames = 120, .drops = 1, .errors = 3};
    struct place at = inside(place, "guard", -1);
    return !guard || (known_keys(&at, guard, known, err) &&
                      take_count(&at, guard, "frames", 10, 1000, &out->frames, err) &&
                      take_number(&at, guard, "drops", 0, 1, false, &out->drops, err) &&
                      take_number(&at, guard, "p99_ms", 0, 60000, false, &out->p99_ms, err) &&
                      take_count(&at, guard, "errors", 1, 1000000, &out->errors, err));
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), n = strlen(suffix);
    return length > n && strcmp(text + length - n, suffix) == 0;
}

static bool take_rows(const struct place *place, const cJSON *object, struct experiment_spec *spec,
                      struct error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "rows");
    const char *text = cJSON_GetStringValue(item);
    if (item && (!text || (!has_suffix(text, ".ndjson") && !has_suffix(text, ".csv"))))
        return wants(place, "rows", "a file whose name ends in .ndjson or .csv", err);
    spec->rows = text ? xstrdup(text) : NULL;
    return true;
}

static bool take_start(const struct place *place, const cJSON *object, struct experiment_spec *spec,
                       struct error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, "start");
    spec->start = !item || cJSON_IsTrue(item);
    return !item || cJSON_IsBool(item) || wants(place, "start", "true or false", err);
}

static bool take_switch(const struct place *place, const cJSON *object,
                        struct experiment_spec *spec, struct error *err)
{
    if (!take_number(place, object, "switch_s", 0.01, 1e7, false, &spec->switch_s, err) ||
        !take_count(place, object, "switch_frames", 1, 4e9, &spec->switch_frames, err))
        return false;
    bool both = spec->switch_s > 0 && spec->switch_frames;
    bool given = spec->switch_s > 0 || spec->switch_frames;
    if (both || given != (spec->mode == EXPERIMENT_SWITCH))
        return error_set(err, "%s: switch_s or switch_frames, one of them, goes with mode switch",
                         place->text);
    return true;
}

static bool take_experiment(const struct place *place, const cJSON *object,
                            struct experiment_spec *spec, struct error *err)
{
    static const char *const known[] = {"name",    "view",     "mode",          "arms",
                                        "slice_s", "switch_s", "switch_frames", "duration_s",
                                        "start",   "rows",     "guard",         NULL};
    spec->slice_s = 10;
    strcpy(spec->view, "main");
    spec->origin = xstrdup(place->text);
    return known_keys(place, object, known, err) &&
           take_name(place, object, "name", spec->name, sizeof spec->name, err) &&
           take_name(place, object, "view", spec->view, sizeof spec->view, err) &&
           take_mode(place, object, &spec->mode, err) && take_arms(place, object, spec, err) &&
           take_number(place, object, "slice_s", 0.05, 86400, false, &spec->slice_s, err) &&
           take_switch(place, object, spec, err) &&
           take_number(place, object, "duration_s", 0, 1e7, false, &spec->duration_s, err) &&
           take_start(place, object, spec, err) && take_rows(place, object, spec, err) &&
           take_guard(place, object, spec, err);
}

/* --- all of them --- */

static bool together(const struct place *place, const struct experiment_spec *specs, size_t count,
                     struct error *err)
{
    const struct experiment_spec *last = &specs[count - 1];
    for (size_t i = 0; i + 1 < count; i++) {
        if (strcmp(specs[i].name, last->name) == 0)
            return error_set(err, "%s.name: \"%s\" is there twice", place->text, last->name);
        if (specs[i].start && last->start && strcmp(specs[i].view, last->view) == 0)
            return error_set(err,
                             "%s: %s and %s cannot both start on the view %s: one of them wants "
                             "\"start\": false",
                             place->text, specs[i].name, last->name, last->view);
    }
    return true;
}

bool experiments_parse(const char *text, const char *origin, struct experiment_spec **specs,
                       size_t *count, struct error *err)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    const cJSON *item;
    *specs = NULL;
    *count = 0;
    int listed = cJSON_GetArraySize(json);
    bool fine = cJSON_IsArray(json) && listed <= (int)EXPERIMENT_MOST;
    if (!fine)
        error_set(err, "%s: experiments: wants a list of at most %u experiments, [ { … }, … ]",
                  origin, EXPERIMENT_MOST);
    else if (listed)
        *specs = xcalloc((size_t)listed, sizeof **specs);
    for (item = fine ? json->child : NULL; item && fine; item = item->next) {
        struct place place;
        snprintf(place.text, sizeof place.text, "%.400s: experiments[%zu]", origin, *count);
        fine = take_experiment(&place, item, &(*specs)[(*count)++], err) &&
               together(&place, *specs, *count, err);
    }
    cJSON_Delete(json);
    if (fine)
        return true;
    experiments_free(*specs, *count);
    *specs = NULL;
    *count = 0;
    return false;
}

struct experiment_spec *experiments_read(const struct config *config, size_t *count)
{
    struct experiment_spec *specs;
    struct error err;
    const struct config_value *value = &config->values[schema_find("experiments")];
    if (!experiments_parse(value->value.text, value->origin, &specs, count, &err))
        CHECK(!"a configuration was made of it"); /* which has been checked */
    return specs;
}

void experiment_spec_finish(struct experiment_spec *spec)
{
    for (uint32_t i = 0; i < spec->arm_count; i++)
        cJSON_Delete(spec->arms[i].options);
    free(spec->rows);
    free(spec->origin);
    *spec = (struct experiment_spec){0};
}

void experiments_free(struct experiment_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        experiment_spec_finish(&specs[i]);
    free(specs);
}

struct config *experiment_config(const struct config *config, const struct experiment_spec *spec,
                                 const struct experiment_arm *arm)
{
    char *origin = xasprintf("%s, arm %s", spec->origin, arm->label);
    struct config *own = config_with_options(config, arm->module, arm->options, origin);
    free(origin);
    return own;
}
