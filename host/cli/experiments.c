/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/experiments.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "config/experiments.h"
#include "module/registry.h"
#include "pixel/experiment.h"
#include "util/log.h"
#include "util/nearest.h"

/* --- what can be said before it starts --- */

static bool check_arm(struct server *server, const struct experiment_spec *spec,
                      const struct experiment_arm *arm, struct error *err)
{
    const struct module *module = registry_find(server->registry, arm->module);
    if (!module && !registry_usable(server->registry, MODULE_ENCODER, arm->module, err))
        return error_prefix(err, "%s, arm %s", spec->origin, arm->label);
    /* One that is there and cannot be used now may be another time: said when it starts. */
    if (module->reason || !module->kinds[MODULE_ENCODER])
        return !module->reason ? error_set(err, "%s, arm %s: %s is no encoder", spec->origin,
                                           arm->label, arm->module)
                               : true;
    struct config *config = experiment_config(server_config(server), spec, arm);
    bool fine = config_check_options(config, arm->module, module->options[MODULE_ENCODER], err);
    config_destroy(config);
    return fine;
}

static bool check(struct server *server, const struct experiment_spec *spec, struct error *err)
{
    if (spec->mode == EXPERIMENT_REPLAY)
        return error_set(err,
                         "%s.mode: replay is no mode of a server: `oriel ab` replays recorded "
                         "frames through any number of encoders",
                         spec->origin);
    bool fine = true;
    for (uint32_t i = 0; fine && i < spec->arm_count; i++)
        fine = check_arm(server, spec, &spec->arms[i], err);
    return fine;
}

/* --- the views --- */

static struct server_view *view_named(struct server_view *const *views, const char *id)
{
    for (size_t i = 0; views[i]; i++) {
        if (strcmp(views[i]->id, id) == 0)
            return views[i];
    }
    return NULL;
}

static bool start(struct server *server, struct experiment_spec *spec, struct error *err)
{
    struct server_view **views = server_hold_views(server);
    struct server_view *view = view_named(views, spec->view);
    bool fine = check(server, spec, err) &&
                (view || error_set(err, "there is no view %s now", spec->view)) &&
                experiment_start(view->stream, spec, server_config(server), err);
    server_release_views(server, views);
    return fine;
}

static bool stop(struct server *server, const struct experiment_spec *spec, struct error *err)
{
    struct server_view **views = server_hold_views(server);
    struct server_view *view = view_named(views, spec->view);
    bool fine = view ? experiment_stop(view->stream, spec->name, err)
                     : error_set(err, "there is no view %s now", spec->view);
    server_release_views(server, views);
    return fine;
}

bool experiments_begin(struct server *server, struct error *err)
{
    size_t count;
    struct experiment_spec *specs = experiments_read(server_config(server), &count);
    bool fine = true;
    for (size_t i = 0; fine && i < count; i++)
        fine = check(server, &specs[i], err);
    for (size_t i = 0; fine && i < count; i++) {
        struct error why = {""};
        char name[EXPERIMENT_NAME];
        memcpy(name, specs[i].name, sizeof name);
        if (specs[i].start && !start(server, &specs[i], &why))
            log_error(LOG_PIXEL, "experiment %s does not start: %s", name, why.text);
    }
    experiments_free(specs, count);
    return fine;
}

/* --- commands --- */

static cJSON *describe(struct server_view *const *views, const struct experiment_spec *spec)
{
    struct server_view *view = view_named(views, spec->view);
    cJSON *json = view ? experiment_json(view->stream) : NULL;
    const char *runs = cJSON_GetStringValue(cJSON_GetObjectItem(json, "name"));
    if (!runs || strcmp(runs, spec->name) != 0) {
        cJSON_Delete(json);
        json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "name", spec->name);
        cJSON_AddStringToObject(json, "state", "idle");
        cJSON *arms = cJSON_AddArrayToObject(json, "arms");
        for (uint32_t i = 0; i < spec->arm_count; i++) {
            cJSON *arm = cJSON_CreateObject();
            cJSON_AddItemToArray(arms, arm);
            cJSON_AddStringToObject(arm, "label", spec->arms[i].label);
            cJSON_AddStringToObject(arm, "module", spec->arms[i].module);
        }
    }
    cJSON_AddStringToObject(json, "view", spec->view);
    cJSON_AddStringToObject(json, "mode", experiment_mode_name(spec->mode));
    return json;
}

static cJSON *list(struct server *server, const struct experiment_spec *specs, size_t count)
{
    struct server_view **views = server_hold_views(server);
    cJSON *json = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(json, "experiments");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(rows, describe(views, &specs[i]));
    server_release_views(server, views);
    return json;
}

static struct experiment_spec *find(struct experiment_spec *specs, size_t count, const char *name,
                                    struct error *err)
{
    struct nearest nearest = nearest_begin(name);
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, specs[i].name);
        if (strcmp(specs[i].name, name) == 0)
            return &specs[i];
    }
    error_set(err, "the configuration has no experiment %.100s%s", name, nearest_hint(&nearest));
    return NULL;
}

struct cJSON *experiments_call(void *data, const char *what, const char *name, struct error *err)
{
    struct server *server = data;
    size_t count;
    struct experiment_spec *specs = experiments_read(server_config(server), &count);
    struct experiment_spec *spec = name ? find(specs, count, name, err) : NULL;
    bool fine = !name || spec;
    if (spec && strcmp(what, "start") == 0)
        fine = start(server, spec, err);
    else if (spec)
        fine = stop(server, spec, err);
    experiments_free(specs, count);
    if (!fine) {
        log_warn(LOG_PIXEL, "experiments.%s: %s", what, err->text);
        return NULL;
    }
    specs = experiments_read(server_config(server), &count);
    cJSON *json = list(server, specs, count);
    experiments_free(specs, count);
    return json;
}
