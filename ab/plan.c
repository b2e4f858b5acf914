/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/settings.h"
#include "util/check.h"
#include "util/nearest.h"

#define MAX_ARMS 16
#define MAX_RATES 16

static void append(char ***list, size_t *count, char *text)
{
    *list = xrealloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = text;
}

static bool wrong(const struct setting *setting, struct error *err, const char *wants)
{
    return error_set(err, "%s: %s: wants %s", setting->origin, setting->key, wants);
}

/* --- the keys of a comparison --- */

static bool take_text(const struct setting *setting, char **out, struct error *err)
{
    const char *text = cJSON_GetStringValue(setting->json);
    if (!text || !text[0])
        return wrong(setting, err, "a text");
    free(*out);
    *out = xstrdup(text);
    return true;
}

/* Relative paths are those of the file's folder. */
static char *beside(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || !slash)
        return xstrdup(path);
    return xasprintf("%.*s/%s", (int)(slash - file), file, path);
}

static bool take_paths(const struct plan *plan, const struct setting *setting, char ***list,
                       size_t *count, struct error *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, setting->json)
    {
        if (!cJSON_IsString(item) || !item->valuestring[0])
            return wrong(setting, err, "a list of paths");
        append(list, count, beside(plan->path, item->valuestring));
    }
    return cJSON_IsArray(setting->json) || wrong(setting, err, "a list of paths");
}

static bool take_number(const struct setting *setting, double low, double high, bool whole,
                        double *out, struct error *err)
{
    double value = cJSON_IsNumber(setting->json) ? setting->json->valuedouble : NAN;
    if (value >= low && value <= high && (!whole || value == floor(value))) {
        *out = value;
        return true;
    }
    return error_set(err, "%s: %s: wants a %s from %g to %g", setting->origin, setting->key,
                     whole ? "whole number" : "number", low, high);
}

static bool take_rates(const struct setting *setting, double **rates, size_t *count,
                       struct error *err)
{
    const cJSON *item;
    int listed = cJSON_GetArraySize(setting->json);
    if (!cJSON_IsArray(setting->json) || listed < 1 || listed > MAX_RATES)
        return wrong(setting, err, "a list of 1 to 16 numbers");
    free(*rates);
    *rates = xcalloc((size_t)listed, sizeof **rates);
    *count = 0;
    cJSON_ArrayForEach(item, setting->json)
    {
        if (!cJSON_IsNumber(item))
            return wrong(setting, err, "a list of 1 to 16 numbers");
        (*rates)[(*count)++] = item->valuedouble;
    }
    return true;
}

/* What goes to the arms that have none of their own. */
struct common {
    char *rate_option, *baseline;
    const char *baseline_origin;
    double *rates;
    size_t rate_count;
};

static const char *const keys[] = {"title",       "recordings",  "baseline", "rates",
                                   "rate_option", "repeats",     "warm_up",  "resamples",
                                   "confidence",  "worst",       "gain",     "seed",
                                   "pace",        "module_path", "arms"};
static const char *const arm_keys[] = {"module", "rates", "rate_option", "options"};

static bool unknown(const struct setting *setting, const char *name, const char *const *known,
                    size_t count, struct error *err)
{
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, known[i]);
    return error_set(err, "%s: unknown key \"%s\"%s", setting->origin, setting->key,
                     nearest_hint(&nearest));
}

static bool take_unsigned(const struct setting *setting, double low, double high, unsigned *out,
                          struct error *err)
{
    double value = 0;
    bool good = take_number(setting, low, high, true, &value, err);
    *out = (unsigned)value;
    return good;
}

static bool take_key(struct plan *plan, struct common *common, const struct setting *setting,
                     struct error *err)
{
    const char *key = setting->key;
    if (strcmp(key, "title") == 0)
        return take_text(setting, &plan->title, err);
    if (strcmp(key, "recordings") == 0)
        return take_paths(plan, setting, &plan->recordings, &plan->recording_count, err);
    if (strcmp(key, "module_path") == 0)
        return take_paths(plan, setting, &plan->module_path, &plan->module_path_count, err);
    if (strcmp(key, "baseline") == 0) {
        common->baseline_origin = setting->origin;
        return take_text(setting, &common->baseline, err);
    }
    if (strcmp(key, "rate_option") == 0)
        return take_text(setting, &common->rate_option, err);
    if (strcmp(key, "rates") == 0)
        return take_rates(setting, &common->rates, &common->rate_count, err);
    if (strcmp(key, "repeats") == 0)
        return take_unsigned(setting, 1, 100, &plan->repeats, err);
    if (strcmp(key, "warm_up") == 0)
        return take_unsigned(setting, 0, 100000, &plan->warm_up, err);
    if (strcmp(key, "resamples") == 0)
        return take_unsigned(setting, 100, 1000000, &plan->resamples, err);
    if (strcmp(key, "worst") == 0)
        return take_unsigned(setting, 0, 20, &plan->worst, err);
    if (strcmp(key, "gain") == 0)
        return take_number(setting, 1, 255, false, &plan->gain, err);
    if (strcmp(key, "confidence") == 0)
        return take_number(setting, 0.5, 0.999, false, &plan->confidence, err);
    if (strcmp(key, "seed") == 0) {
        double value = 0;
        bool good = take_number(setting, 0, 9007199254740991, true, &value, err);
        plan->seed = (uint64_t)value;
        return good;
    }
    if (strcmp(key, "pace") == 0) {
        plan->pace = cJSON_IsTrue(setting->json);
        return cJSON_IsBool(setting->json) || wrong(setting, err, "true or false");
    }
    return unknown(setting, key, keys, sizeof keys / sizeof *keys, err);
}

/* --- arms --- */

static struct plan_arm *arm_of(struct plan *plan, const char *label, size_t length,
                               const struct setting *setting, struct error *err)
{
    for (size_t i = 0; i < plan->arm_count; i++) {
        if (strlen(plan->arms[i].label) == length && !memcmp(plan->arms[i].label, label, length))
            return &plan->arms[i];
    }
    if (plan->arm_count == MAX_ARMS || length == 0) {
        wrong(setting, err, length ? "at most 16 arms" : "a label of the arm");
        return NULL;
    }
    plan->arms = xrealloc(plan->arms, (plan->arm_count + 1) * sizeof *plan->arms);
    struct plan_arm *arm = &plan->arms[plan->arm_count++];
    *arm = (struct plan_arm){.label = xasprintf("%.*s", (int)length, label),
                             .origin = xstrdup(setting->origin)};
    return arm;
}

/* As "name=value": the module may not be known yet. */
static bool take_option(struct plan_arm *arm, const struct setting *setting, const char *name,
                        struct error *err)
{
    char *value = cJSON_IsString(setting->json) ? xstrdup(setting->json->valuestring) : NULL;
    if (!value && (cJSON_IsNumber(setting->json) || cJSON_IsBool(setting->json))) {
        char *printed = cJSON_PrintUnformatted(setting->json);
        value = xstrdup(printed);
        cJSON_free(printed);
    }
    if (!value)
        return wrong(setting, err, "a text, a number, true or false");
    size_t count = arm->set_count;
    append(&arm->sets, &count, xasprintf("%s=%s", name, value));
    append(&arm->origins, &arm->set_count, xstrdup(setting->origin));
    free(value);
    return true;
}

/* "arms.LABEL.KEY" or "arms.LABEL.options.NAME"; labels may have dots, keys have none. */
static bool take_arm(struct plan *plan, const struct setting *setting, struct error *err)
{
    static const char mark[] = ".options.";
    const char *label = setting->key + strlen("arms.");
    const char *options = strstr(label, mark);
    const char *end = options ? options : strrchr(label, '.');
    if (!end)
        return wrong(setting, err, "an object with \"module\"");
    struct plan_arm *arm = arm_of(plan, label, (size_t)(end - label), setting, err);
    if (!arm)
        return false;
    if (options)
        return take_option(arm, setting, options + strlen(mark), err);
    const char *key = end + 1;
    if (strcmp(key, "module") == 0) {
        free(arm->origin);
        arm->origin = xstrdup(setting->origin);
        return take_text(setting, &arm->module, err);
    }
    if (strcmp(key, "rate_option") == 0) {
        free(arm->rate_option);
        arm->rate_option = cJSON_IsNull(setting->json) ? xstrdup("") : NULL; /* it has none */
        return arm->rate_option || take_text(setting, &arm->rate_option, err);
    }
    if (strcmp(key, "rates") == 0)
        return take_rates(setting, &arm->rates, &arm->rate_count, err);
    return unknown(setting, key, arm_keys, sizeof arm_keys / sizeof *arm_keys, err);
}

static bool finish_arm(const struct plan *plan, struct plan_arm *arm, const struct common *common,
                       struct error *err)
{
    if (!arm->module)
        return error_set(err, "%s: arms.%s: wants \"module\", the id of an encoder", arm->origin,
                         arm->label);
    if (!arm->rate_option)
        arm->rate_option = xstrdup(common->rate_option ? common->rate_option : "bitrate");
    if (!arm->rates) {
        arm->rates = xcalloc(common->rate_count, sizeof *arm->rates);
        for (size_t i = 0; i < common->rate_count; i++)
            arm->rates[i] = common->rates[i];
        arm->rate_count = common->rate_count;
    }
    if (!arm->rate_count)
        return error_set(err, "%s: arms.%s: wants \"rates\", here or for all arms", plan->path,
                         arm->label);
    for (size_t i = 0; i < arm->set_count; i++) {
        if (arm->rate_option[0] &&
            strncmp(arm->sets[i], arm->rate_option, strlen(arm->rate_option)) == 0 &&
            arm->sets[i][strlen(arm->rate_option)] == '=')
            return error_set(err, "%s: arms.%s.options.%s: is what \"rates\" are for",
                             arm->origins[i], arm->label, arm->rate_option);
        char *set = xasprintf("%s.%s", arm->module, arm->sets[i]);
        free(arm->sets[i]);
        arm->sets[i] = set;
    }
    return true;
}

static bool finish(struct plan *plan, const struct common *common, struct error *err)
{
    if (!plan->recording_count)
        return error_set(err, "%s: wants \"recordings\", a list of files", plan->path);
    if (!plan->arm_count)
        return error_set(err, "%s: wants \"arms\", by label: {\"x264\": {\"module\": …}, …}",
                         plan->path);
    for (size_t i = 0; i < plan->arm_count; i++) {
        if (!finish_arm(plan, &plan->arms[i], common, err))
            return false;
        if (plan->arms[i].rate_count != plan->arms[0].rate_count)
            return error_set(err,
                             "%s: arms.%s: has %zu rates where arms.%s has %zu: they are compared "
                             "one by one",
                             plan->arms[i].origin, plan->arms[i].label, plan->arms[i].rate_count,
                             plan->arms[0].label, plan->arms[0].rate_count);
    }
    if (!common->baseline)
        return true;
    struct nearest nearest = nearest_begin(common->baseline);
    for (size_t i = 0; i < plan->arm_count; i++) {
        plan->baseline = i;
        if (strcmp(plan->arms[i].label, common->baseline) == 0)
            return true;
        nearest_offer(&nearest, plan->arms[i].label);
    }
    return error_set(err, "%s: baseline: there is no arm \"%s\"%s", common->baseline_origin,
                     common->baseline, nearest_hint(&nearest));
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text = xcalloc(1, (1 << 20) + 1);
    if (file) {
        size_t length = fread(text, 1, 1 << 20, file);
        text[length] = '\0';
        fclose(file);
    }
    return text;
}

struct plan *plan_read(const char *path, struct error *err)
{
    struct settings settings = {0};
    struct common common = {0};
    struct plan *plan = xcalloc(1, sizeof *plan);
    *plan = (struct plan){.path = xstrdup(path),
                          .title = xstrdup("Encoder comparison"),
                          .repeats = 3,
                          .warm_up = 10,
                          .resamples = 2000,
                          .worst = 2,
                          .gain = 8,
                          .confidence = 0.95,
                          .seed = 1};
    bool good = settings_read_file(&settings, path, err);
    for (size_t i = 0; good && i < settings.count; i++) {
        const struct setting *setting = &settings.at[i];
        good = strncmp(setting->key, "arms.", 5) == 0 ? take_arm(plan, setting, err)
                                                      : take_key(plan, &common, setting, err);
    }
    good = good && finish(plan, &common, err);
    if (good)
        plan->text = read_text(path);
    free(common.rate_option);
    free(common.baseline);
    free(common.rates);
    settings_finish(&settings);
    if (good)
        return plan;
    plan_destroy(plan);
    return NULL;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void plan_destroy(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->arm_count; i++) {
        struct plan_arm *arm = &plan->arms[i];
        free(arm->label);
        free(arm->module);
        free(arm->rate_option);
        free(arm->rates);
        free(arm->origin);
        free_list(arm->sets, arm->set_count);
        free_list(arm->origins, arm->set_count);
    }
    free(plan->arms);
    free_list(plan->recordings, plan->recording_count);
    free_list(plan->module_path, plan->module_path_count);
    free(plan->path);
    free(plan->title);
    free(plan->text);
    free(plan);
}

struct config *plan_config(const struct plan *plan, const struct plan_arm *arm, size_t rate,
                           struct error *err)
{
    char **sets = NULL, **origins = NULL;
    size_t count = 0, origin_count = 0;
    for (size_t i = 0; i < arm->set_count; i++) {
        append(&sets, &count, xstrdup(arm->sets[i]));
        append(&origins, &origin_count, xstrdup(arm->origins[i]));
    }
    if (arm->rate_option[0]) {
        append(&sets, &count,
               xasprintf("%s.%s=%.15g", arm->module, arm->rate_option, arm->rates[rate]));
        append(&origins, &origin_count, xasprintf("%s: arms.%s.rates", arm->origin, arm->label));
    }
    append(&sets, &count, xstrdup("log.level=warn"));
    append(&origins, &origin_count, xstrdup("oriel ab"));
    if (plan->module_path_count) {
        cJSON *paths = cJSON_CreateStringArray((const char *const *)plan->module_path,
                                               (int)plan->module_path_count);
        char *list = cJSON_PrintUnformatted(paths);
        append(&sets, &count, xasprintf("modules.path=%s", list));
        append(&origins, &origin_count, xasprintf("%s: module_path", plan->path));
        cJSON_free(list);
        cJSON_Delete(paths);
    }
    struct config *config =
        config_create(&(struct config_inputs){.sets = (const char *const *)sets,
                                              .set_origins = (const char *const *)origins,
                                              .set_count = count},
                      err);
    free_list(sets, count);
    free_list(origins, origin_count);
    return config;
}
