/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/reload.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gate.h"
#include "cli/report.h"
#include "config/reload.h"
#include "control/control.h"
#include "module/registry.h"
#include "pixel/change.h"
#include "render/pool.h"
#include "render/render.h"
#include "util/check.h"
#include "util/log.h"

/* --- the configuration in force --- */

/* A list of the configuration, with `to` in the place of `from`, or (NULL) first. */
struct names {
    const char *at[64];
    size_t count;
};

static void names_read(struct names *names, const struct config *config, const char *key)
{
    const char *id;
    names->count = 0;
    while (names->count < 63 && (id = config_item(config, key, names->count)))
        names->at[names->count++] = id;
}

static size_t names_find(const struct names *names, const char *id)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->at[i], id) != 0)
        i++;
    return i;
}

static void names_put(struct names *names, const char *to, const char *from)
{
    size_t at = names_find(names, to);
    if (at < names->count) {
        names->count--;
        memmove(&names->at[at], &names->at[at + 1], (names->count - at) * sizeof *names->at);
    }
    at = from ? names_find(names, from) : 0;
    at = at < names->count ? at : 0;
    memmove(&names->at[at + 1], &names->at[at], (names->count - at) * sizeof *names->at);
    names->at[at] = to;
    names->count++;
}

static void own(struct server *server, struct config *config)
{
    struct server_config *entry = xcalloc(1, sizeof *entry);
    *entry = (struct server_config){.former = server->configs, .config = config};
    server->configs = entry;
}

/* True: something that decides about encoders is different. */
static bool enforce(struct server *server, const struct config *config,
                    struct server_view *const *views)
{
    pthread_mutex_lock(&server->lock);
    server->config = config;
    pthread_mutex_unlock(&server->lock);
    bool choose = false;
    for (size_t i = 0; views[i]; i++)
        choose |= stream_reconfigure(views[i]->stream, config);
    render_pool_reconfigure(server->pool, config);
    control_reconfigure(server->control, config);
    config_apply_log(config);
    return choose;
}

/* --- the three kinds --- */

static void change_streams(struct server_view *const *views, const struct stream_change *change,
                           struct report *report)
{
    for (size_t i = 0; views[i]; i++) {
        struct stream_swapped done[STREAM_MOST_SWAPPED];
        uint32_t count = stream_change(views[i]->stream, change, done);
        for (uint32_t k = 0; k < count; k++) {
            if (done[k].tuned)
                report_tuned(report, done[k].branch, done[k].to);
            else
                report_swap(report, "encoder", done[k].branch, done[k].from, done[k].to,
                            done[k].done ? NULL : done[k].why);
        }
    }
}

static void change_scenes(struct server_view *const *views, const char *to, struct report *report)
{
    for (size_t i = 0; views[i]; i++) {
        struct error why = {""};
        char from[64];
        snprintf(from, sizeof from, "%s", render_scene_id(views[i]->render));
        bool done = render_swap_scene(views[i]->render, to, &why);
        report_swap(report, "scene", views[i]->id, from, to, done ? NULL : why.text);
    }
}

static void change_transport(struct server *server, const char *to, const char *from,
                             struct report *report)
{
    struct error why = {""};
    char replaced[64];
    bool done = gate_swap_transport(server->gate, server->registry, to, from, replaced, &why);
    report_swap(report, "transport", "gate", replaced, to, done ? NULL : why.text);
}

/* --- modules.swap --- */

/* The list that it stands in from now on. */
static const char *list_for(const struct config *config, enum module_kind kind, const char *to,
                            const char *from)
{
    if (kind != MODULE_ENCODER)
        return kind == MODULE_SCENE ? "modules.scene" : "modules.transport";
    struct names videos, stills;
    names_read(&videos, config, "modules.encoder");
    names_read(&stills, config, "modules.still");
    const char *id = from ? from : to;
    bool still = names_find(&videos, id) == videos.count && names_find(&stills, id) < stills.count;
    return still ? "modules.still" : "modules.encoder";
}

static bool swap(struct server *server, enum module_kind kind, const char *to, const char *from,
                 struct report *report, struct error *err)
{
    if (kind == MODULE_TRANSPORT && !server->gate)
        return error_set(err, "%s: this server has no transports", to);
    const struct config *before = server_config(server);
    const char *key = list_for(before, kind, to, from);
    struct names names;
    names_read(&names, before, key);
    names_put(&names, to, from);
    struct config *config = config_with(before, key, names.at, names.count, "modules.swap");
    if (!registry_refresh(server->registry, config, report_file, report, err)) {
        config_destroy(config);
        return false;
    }
    own(server, config);
    const char *refused = report_refused_file(report, to);
    if (refused)
        error_set(err, "%s: %s", to, refused);
    struct server_view **views = server_hold_views(server);
    bool fine = !refused && registry_usable(server->registry, kind, to, err);
    const struct module *module = fine ? registry_find(server->registry, to) : NULL;
    if (fine) {
        enforce(server, config, views);
        if (kind == MODULE_ENCODER)
            change_streams(views, &(struct stream_change){.to = to, .from = from}, report);
        else if (kind == MODULE_SCENE)
            change_scenes(views, to, report);
        else
            change_transport(server, to, from, report);
        fine = report->swapped ||
               (report->refused
                    ? error_set(err, "%s", report->why)
                    : error_set(err, "%s: nothing here is done by %s", to, from ? from : "any"));
    }
    if (!fine) { /* all as it was */
        struct error why;
        if (module)
            registry_take_back(server->registry, module);
        registry_refresh(server->registry, before, report_nothing, NULL, &why);
        enforce(server, before, views);
    } else if (kind == MODULE_ENCODER) {
        pthread_mutex_lock(&server->lock);
        snprintf(server->encoder, sizeof server->encoder, "%s", to);
        pthread_mutex_unlock(&server->lock);
    }
    server_release_views(server, views);
    return fine;
}

struct cJSON *reload_swap(void *data, const char *kind, const char *to, const char *from,
                          struct error *err)
{
    struct server *server = data;
    struct report report;
    report_begin(&report);
    pthread_mutex_lock(&server->changing);
    bool fine = swap(server,
                     strcmp(kind, "encoder") == 0 ? MODULE_ENCODER
                     : strcmp(kind, "scene") == 0 ? MODULE_SCENE
                                                  : MODULE_TRANSPORT,
                     to, from, &report, err);
    pthread_mutex_unlock(&server->changing);
    if (fine)
        return report.json;
    log_warn(LOG_MODULE, "modules.swap: %s", err->text);
    cJSON_Delete(report.json);
    return NULL;
}

void reload_catch_up(struct server *server, struct server_view *view)
{
    struct stream_swapped done[STREAM_MOST_SWAPPED];
    char encoder[sizeof server->encoder];
    pthread_mutex_lock(&server->lock);
    memcpy(encoder, server->encoder, sizeof encoder);
    const struct config *config = server->config;
    pthread_mutex_unlock(&server->lock);
    bool choose = stream_reconfigure(view->stream, config);
    if (choose || *encoder)
        stream_change(view->stream,
                      &(struct stream_change){.to = *encoder ? encoder : NULL, .choose = choose},
                      done);
}

/* --- modules.reload --- */

/* What different values ask for. */
struct work {
    struct report *report;
    const struct module *module; /* whose options are told */
    enum module_kind kind;
    struct names anew, tuned; /* encoders; the module's own texts */
    bool scene;               /* the one in use has to be made anew */
    const char *scene_id;
    bool transports; /* the list is different */
};

static void on_key(void *data, const char *key, const struct oriel_option *option,
                   const char *origin)
{
    struct work *work = data;
    work->transports |= strcmp(key, "modules.transport") == 0;
    report_key(work->report, !(option->flags & ORIEL_OPT_LIVE), key, origin);
}

static void add(struct names *names, const char *id)
{
    if (names->count < 63 && names_find(names, id) == names->count)
        names->at[names->count++] = id;
}

/* Encoders and the scene module can be made anew while everything runs; a source is with the next
 * dataset that is opened. */
static void on_option(void *data, const char *key, const struct oriel_option *option,
                      const char *origin)
{
    struct work *work = data;
    bool live = option->flags & ORIEL_OPT_LIVE;
    bool restart = work->kind == MODULE_TRANSPORT || work->kind == MODULE_CAPTURE;
    if (work->kind == MODULE_ENCODER)
        add(live ? &work->tuned : &work->anew, work->module->id);
    work->scene |= work->kind == MODULE_SCENE && strcmp(work->module->id, work->scene_id) == 0;
    if (strcmp(origin, module_kind_section(work->kind)) != 0) /* else its key has been told */
        report_key(work->report, restart, key, origin);
}

static void compare_options(struct server *server, const struct config *before,
                            const struct config *after, struct work *work)
{
    size_t count = registry_count(server->registry);
    for (size_t i = 0; i < count; i++) {
        const struct module *module = registry_at(server->registry, i);
        bool changed = report_changed_file(work->report, module->id);
        for (int kind = 0; kind < MODULE_KIND_COUNT && !module->reason; kind++) {
            if (!module->kinds[kind])
                continue;
            work->module = module;
            work->kind = (enum module_kind)kind;
            if (changed && kind == MODULE_ENCODER)
                add(&work->anew, module->id);
            if (changed && kind == MODULE_SCENE)
                work->scene |= strcmp(module->id, work->scene_id) == 0;
            const struct config_module options = {
                module->id, module_kind_section((enum module_kind)kind), module->options[kind]};
            config_module_differs(before, after, &options, on_option, work);
        }
    }
}

/* Those whose file has changed; and, where the list has, those that came and those that went. */
static void follow_transports(struct server *server, bool list, struct report *report)
{
    const char *const *ids;
    size_t count = registry_wanted(server->registry, MODULE_TRANSPORT, &ids);
    for (size_t i = 0; i < count; i++) {
        struct error why = {""};
        bool there = gate_has_transport(server->gate, ids[i]);
        if (there && report_changed_file(report, ids[i]))
            change_transport(server, ids[i], ids[i], report);
        if (there || !list)
            continue;
        bool opened = gate_open_transport(server->gate, server->registry, ids[i], &why);
        report_swap(report, "transport", "gate", "", ids[i], opened ? NULL : why.text);
    }
    char gone[64];
    while (list && count && gate_surplus_transport(server->gate, ids, count, gone)) {
        struct error why = {""};
        bool closed = gate_retire_transport(server->gate, gone, &why);
        report_swap(report, "transport", "gate", gone, "", closed ? NULL : why.text);
        if (!closed)
            break;
    }
}

static void change_all(struct server *server, struct server_view *const *views, bool choose,
                       struct work *work)
{
    work->anew.at[work->anew.count] = work->tuned.at[work->tuned.count] = NULL;
    change_streams(
        views,
        &(struct stream_change){.choose = choose, .anew = work->anew.at, .tuned = work->tuned.at},
        work->report);
    const char *const *ids;
    const char *first = NULL;
    size_t count = registry_wanted(server->registry, MODULE_SCENE, &ids);
    for (size_t i = 0; i < count && !first; i++) {
        struct error why;
        if (registry_usable(server->registry, MODULE_SCENE, ids[i], &why))
            first = ids[i];
    }
    if (first && (work->scene || strcmp(first, work->scene_id) != 0))
        change_scenes(views, first, work->report);
    if (server->gate)
        follow_transports(server, work->transports, work->report);
}

static bool reload(struct server *server, struct report *report, struct error *err)
{
    if (!server->read_config)
        return error_set(err, "this server reads no configuration");
    struct config *fresh = server->read_config(server->data, err);
    if (!fresh)
        return false;
    const struct config *before = server_config(server);
    char scene[64];
    snprintf(scene, sizeof scene, "%s", render_scene_id(server->render));
    struct work work = {.report = report, .scene_id = scene};
    struct config *after = config_follow(before, server->read, fresh);
    if (!registry_refresh(server->registry, after, report_file, report, err)) {
        config_destroy(after);
        config_destroy(fresh);
        return false;
    }
    own(server, fresh);
    own(server, after);
    config_differences(before, server->read, fresh, on_key, &work);
    server->read = fresh;
    struct server_view **views = server_hold_views(server);
    bool choose = enforce(server, after, views);
    if (choose) { /* what was put first was first of another list */
        pthread_mutex_lock(&server->lock);
        server->encoder[0] = '\0';
        pthread_mutex_unlock(&server->lock);
    }
    compare_options(server, before, after, &work);
    change_all(server, views, choose, &work);
    server_release_views(server, views);
    return true;
}

struct cJSON *reload_now(void *data, struct error *err)
{
    struct server *server = data;
    struct report report;
    report_begin(&report);
    pthread_mutex_lock(&server->changing);
    bool fine = reload(server, &report, err);
    pthread_mutex_unlock(&server->changing);
    if (fine)
        return report.json;
    log_error(LOG_CONFIG, "nothing is changed: %s", err->text);
    cJSON_Delete(report.json);
    return NULL;
}

void reload_for_signal(struct server *server)
{
    struct error err;
    log_info(LOG_MAIN, "the configuration is read again");
    cJSON_Delete(reload_now(server, &err));
}
