/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/server.h"

#include "control/control.h"
#include "mcp/mcp.h"
#include "metrics/metrics.h"
#include "module/registry.h"
#include "pixel/stream.h"
#include "render/pool.h"
#include "render/render.h"

static void on_notice(void *data, const struct render_notice *notice)
{
    control_render_notice(data, notice);
}

static void on_stream_config(void *data, const struct stream_info *info)
{
    control_stream_config(data, info);
}

static void on_stream_fault(void *data, const char *text)
{
    control_stream_fault(data, text);
}

static bool open_scene(struct server *server, const struct server_scene *scene, struct error *err)
{
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
    *server = (struct server){.config = config, .metrics = metrics_create()};
    if (!(server->registry = registry_create(config, err)) ||
        !(server->control = control_create(config, server->registry, server->metrics, err)))
        goto fail;
    control_publish_loop(server->control);
    server->mcp =
        mcp_create(config, server->control, control_access(server->control), server->metrics);
    if (!open_scene(server, scene, err))
        goto fail;

    const struct render_events render_events = {.notice = on_notice, .data = server->control};
    if (!(server->pool = render_pool_create(config, server->registry, server->metrics, err)) ||
        !(server->render = render_create(server->pool, &render_events, err)))
        goto fail;
    const struct stream_events stream_events = {
        .config = on_stream_config, .fault = on_stream_fault, .data = server->control};
    server->stream = stream_create(config, server->registry, server->render, server->metrics,
                                   &stream_events, err);
    if (!server->stream)
        goto fail;

    control_set_rooms(server->control,
                      &(struct control_rooms){.render = server->render, .stream = server->stream});
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
    stream_destroy(server->stream);
    render_destroy(server->render);
    control_destroy(server->control);
    mcp_destroy(server->mcp);
    render_pool_destroy(server->pool);
    registry_destroy(server->registry);
    metrics_destroy(server->metrics);
    *server = (struct server){0};
}
