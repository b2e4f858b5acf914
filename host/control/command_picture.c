/* SPDX-License-Identifier: BSD-3-Clause */
/* napari.screenshot: the caller's view as a PNG. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "control/room.h"
#include "render/png.h"
#include "scene/json.h"
#include "util/base64.h"
#include "util/check.h"

struct shot_job {
    struct job job;
    struct call *call;
    struct render_pool *pool;
    struct scene_snapshot *snapshot;
    uint32_t width, height;
    char *png; /* base64; NULL: failed */
    struct error err;
};

static void shot_drop(struct job *job)
{
    struct shot_job *self = (struct shot_job *)job;
    scene_snapshot_unref(self->snapshot);
    call_finish(self->call);
    free(self->png);
    free(self);
}

static void shot_run(struct job *job)
{
    struct shot_job *self = (struct shot_job *)job;
    size_t bytes = 0;
    uint8_t *rgba = malloc((size_t)self->width * self->height * 4), *png = NULL;
    if (!rgba)
        error_set(&self->err, "no memory for %u x %u pixels", self->width, self->height);
    else if (render_screenshot(self->pool, self->snapshot, self->width, self->height,
                               self->call->due_ns - clock_ns(), &self->call->cancel, rgba,
                               &self->err) &&
             !(png = encode_png(rgba, self->width, self->height, &bytes)))
        error_set(&self->err, "no memory for a PNG of %u x %u pixels", self->width, self->height);
    free(rgba);
    if (!png)
        return;
    self->png = xcalloc(BASE64_SIZE(bytes), 1);
    base64(png, bytes, self->png);
    free(png);
}

static void shot_done(struct control *control, struct job *job)
{
    struct shot_job *self = (struct shot_job *)job;
    if (self->png) {
        cJSON *result = cJSON_CreateObject();
        json_put_string(result, "png", self->png);
        json_put_number(result, "width", self->width);
        json_put_number(result, "height", self->height);
        json_put_number(result, "revision", (double)self->snapshot->scene.revision);
        call_reply(control, self->call, result);
    } else {
        call_error(control, self->call, "screenshot.failed", self->err.text, NULL);
    }
    shot_drop(job);
}

void command_screenshot(struct control *control, struct call *call, const cJSON *kwargs)
{
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(kwargs, "size");
    double most = (double)config_int(control->config, "canvas.max"), v[2];
    bool given = size && !cJSON_IsNull(size);
    if (given && (json_numbers(size, v, 2, 2) != 2 || !(v[0] >= 1 && v[0] <= most) ||
                  !(v[1] >= 1 && v[1] <= most) || v[0] != floor(v[0]) || v[1] != floor(v[1]))) {
        char message[80];
        snprintf(message, sizeof message, "size must be [width, height], each 1 to %.0f", most);
        command_refuse(control, call, "command.invalid", message, NULL);
        return;
    }
    if (!control->rooms.pool) {
        command_refuse(control, call, "screenshot.failed", "nothing draws here", NULL);
        return;
    }
    struct shot_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = shot_run,
                             .done = shot_done,
                             .drop = shot_drop,
                             .kind = JOB_PICTURE,
                             .cancel = &call->cancel};
    self->call = call;
    self->pool = control->rooms.pool;
    self->snapshot = scene_snapshot_create(control->scene, call_view(control, call)->id);
    self->width = given ? (uint32_t)v[0] : self->snapshot->scene.width;
    self->height = given ? (uint32_t)v[1] : self->snapshot->scene.height;
    worker_add(control->worker, &self->job);
}
