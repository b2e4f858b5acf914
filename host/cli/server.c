/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/experiments.h"
#include "cli/reload.h"
#include "control/control.h"
#include "mcp/mcp.h"
#include "metrics/metrics.h"
#include "module/quarantine.h"
#include "module/registry.h"
#include "module/watchdog.h"
#include "pixel/stream.h"
#include "render/pool.h"
#include "render/render.h"
#include "util/check.h"
#include "util/thread.h"

static void on_notice(void *data, const struct render_notice *notice)
{
    const struct server_view *view = data;
    control_render_notice(view->control, view->id, notice);
}

static void on_stream_config(void *data, const struct stream_info *info)
{
    const struct server_view *view = data;
    control_stream_config(view->control, view->id, info);
}

static void on_stream_fault(void *data, const char *text)
{
    const struct server_view *view = data;
    control_stream_fault(view->control, view->id, text);
}

static void rooms_destroy(struct server_view *view)
{
    if (!view)
        return;
    stream_destroy(view->stream);
    render_destroy(view->render);
    free(view);
}

static struct server_view *rooms_create(struct server *server, const char *id, struct error *err)
{
    struct server_view *view = xcalloc(1, sizeof *view);
    const struct config *config = server_config(server);
    view->control = server->control;
    snprintf(view->id, sizeof view->id, "%s", id);
    const struct render_events render_events = {.notice = on_notice, .data = view};
    const struct stream_events stream_events = {
        .config = on_stream_config, .fault = on_stream_fault, .data = view};
    view->render = render_create(server->pool, id, &render_events, err);
    if (view->render)
        view->stream = stream_create(config, server->registry, view->render, server->metrics, id,
                                     &stream_events, err);
    if (view->stream)
        return view;
    rooms_destroy(view);
    return NULL;
}

/* --- views of sessions' own, on control's worker --- */

static bool open_view(void *data, const char *id, struct render **render, struct stream **stream,
                      struct error *err)
{
    struct server *server = data;
    struct server_view *view = rooms_create(server, id, err);
    if (!view)
        return false;
    *render = view->render;
    *stream = view->stream;
    pthread_mutex_lock(&server->lock);
    view->next = server->forks;
    server->forks = view;
    pthread_mutex_unlock(&server->lock);
    reload_catch_up(server, view);
    return true;
}

static void close_view(void *data, const char *id)
{
    struct server *server = data;
    pthread_mutex_lock(&server->lock);
    struct server_view **at = &server->forks;
    while (strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    struct server_view *view = *at;
    *at = view->next;
    while (view->busy)
        pthread_cond_wait(&server->idle, &server->lock);
    pthread_mutex_unlock(&server->lock);
    stream_dismiss(view->stream, 1001, "this view has ended");
    rooms_destroy(view);
}

struct server_view **server_hold_views(struct server *server)
{
    size_t count = 0;
    pthread_mutex_lock(&server->lock);
    for (const struct server_view *view = server->forks; view; view = view->next)
        count++;
    struct server_view **views = xcalloc(count + 2, sizeof *views);
    views[0] = server->main;
    count = 1;
    for (struct server_view *view = server->forks; view; view = view->next)
        views[count++] = view;
    for (size_t i = 0; i < count; i++)
        views[i]->busy++;
    pthread_mutex_unlock(&server->lock);
    return views;
}

void server_release_views(struct server *server, struct server_view **views)
{
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; views[i]; i++)
        views[i]->busy--;
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
    free(views);
}

const struct config *server_config(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    const struct config *config = server->config;
    pthread_mutex_unlock(&server->lock);
    return config;
}

/* --- all together --- */

/* The main thread waits for a signal. */
static void on_fenced(void *data)
{
    struct server *server = data;
    __atomic_store_n(&server->status, CLI_FENCED, __ATOMIC_RELAXED);
    kill(getpid(), SIGTERM);
}

/* What the state directory keeps, or what is named. */
static bool open_scene(struct server *server, const struct server_scene *scene, struct error *err)
{
    const struct control_named named = {
        .data = scene->data, .data_count = scene->data_count, .scene_file = scene->scene_file};
    enum control_restored restored =
        scene->keep ? control_restore(server->control, &named, err) : CONTROL_NEW;
    if (restored == CONTROL_BUSY || restored == CONTROL_UNUSABLE) {
        server->status = restored == CONTROL_BUSY ? CLI_BUSY : CLI_FAILED;
        return false;
    }
    if (restored == CONTROL_RESTORED)
        return true;
    if (scene->scene_file && !control_open_scene(server->control, scene->scene_file, err))
        return false;
    for (size_t i = 0; i < scene->data_count; i++) {
        if (!control_open_data(server->control, scene->data[i], err))
            return false;
    }
    return true;
}

bool server_start(struct server *server, const struct config *config,
                  const struct server_scene *scene, struct error *err)
{
    *server = (struct server){.config = config, .read = config, .metrics = metrics_create()};
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->changing, NULL);
    cond_init(&server->idle);
    quarantine_watch(config);
    watchdog_start(config_int(config, "modules.deadline_ms"),
                   config_int(config, "modules.hang_ms"));
    if (!(server->registry = registry_create(config, err)) ||
        !(server->control = control_create(config, server->registry, server->metrics, err)))
        goto fail;
    control_publish_loop(server->control);
    server->mcp =
        mcp_create(config, server->control, control_access(server->control), server->metrics);
    if (!open_scene(server, scene, err))
        goto fail;

    if (!(server->pool = render_pool_create(config, server->registry, server->metrics, err)) ||
        !(server->main = rooms_create(server, "main", err)))
        goto fail;
    server->render = server->main->render;
    server->stream = server->main->stream;

    control_set_rooms(server->control, &(struct control_rooms){.pool = server->pool,
                                                               .render = server->render,
                                                               .stream = server->stream,
                                                               .open_view = open_view,
                                                               .close_view = close_view,
                                                               .swap_module = reload_swap,
                                                               .reload = reload_now,
                                                               .experiments = experiments_call,
                                                               .fenced = on_fenced,
                                                               .data = server});
    if (control_start(server->control, err))
        return true;
fail:
    server_free(server);
    return false;
}

void server_stop(struct server *server)
{
    control_stop(server->control);
}

void server_free(struct server *server)
{
    rooms_destroy(server->main);
    control_destroy(server->control);
    mcp_destroy(server->mcp);
    render_pool_destroy(server->pool);
    registry_destroy(server->registry);
    watchdog_stop();
    metrics_destroy(server->metrics);
    for (struct server_config *own = server->configs, *former; own; own = former) {
        former = own->former;
        config_destroy(own->config);
        free(own);
    }
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->changing);
    pthread_mutex_destroy(&server->lock);
}
