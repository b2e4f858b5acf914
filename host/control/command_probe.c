/* SPDX-License-Identifier: BSD-3-Clause */
/* napari.probe: the value of every layer at a place, as it is stored. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "render/dataset.h"
#include "render/value.h"
#include "scene/json.h"
#include "util/check.h"

struct probe_layer {
    char id[32];
    struct layer_binding binding; /* with a reference */
    uint32_t ndim;
    bool visible, inside, ok;
    int64_t index[ORIEL_MAX_AXES];
    struct data_value value;
};

struct probe_job {
    struct job job;
    struct call *call;
    struct render_pool *pool; /* NULL: nothing can be read */
    cJSON *position, *dims;
    struct probe_layer *layers;
    size_t count;
};

static void probe_drop(struct job *job)
{
    struct probe_job *self = (struct probe_job *)job;
    for (size_t i = 0; i < self->count; i++)
        dataset_unref(self->layers[i].binding.dataset);
    free(self->layers);
    cJSON_Delete(self->position);
    cJSON_Delete(self->dims);
    call_finish(self->call);
    free(self);
}

static void probe_run(struct job *job)
{
    struct probe_job *self = (struct probe_job *)job;
    for (size_t i = 0; i < self->count && !cancel_is_set(&self->call->cancel); i++) {
        struct probe_layer *layer = &self->layers[i];
        struct error err;
        layer->ok = layer->inside && self->pool &&
                    data_probe(self->pool, &layer->binding, layer->index, &layer->value, &err);
    }
}

static cJSON *value_json(const struct data_value *value)
{
    char text[32];
    bool quoted;
    data_value_print(value, text, &quoted);
    return quoted ? cJSON_CreateString(text) : cJSON_CreateRaw(text);
}

static void probe_done(struct control *control, struct job *job)
{
    struct probe_job *self = (struct probe_job *)job;
    cJSON *out = cJSON_CreateObject();
    json_put(out, "position", cJSON_Duplicate(self->position, true));
    json_put(out, "dims", self->dims ? cJSON_Duplicate(self->dims, true) : cJSON_CreateNull());
    cJSON *layers = json_put(out, "layers", cJSON_CreateArray());
    for (size_t i = self->count; i-- > 0;) { /* top first */
        const struct probe_layer *layer = &self->layers[i];
        cJSON *item = cJSON_CreateObject();
        json_put_string(item, "layer_id", layer->id);
        json_put(item, "index", json_from_integers(layer->index, layer->ndim));
        json_put_bool(item, "visible", layer->visible);
        json_put_string(item, "dtype", dtype_name(dataset_info(layer->binding.dataset)->dtype));
        json_put(item, "value", layer->ok ? value_json(&layer->value) : cJSON_CreateNull());
        json_put_number(item, "level", 0);
        cJSON_AddItemToArray(layers, item);
    }
    call_reply(control, self->call, out);
    probe_drop(job);
}

/* The world point that is meant, in data order. False: there is none. */
static bool world_point(const struct control *control, const struct call *call, const cJSON *kwargs,
                        double world[ORIEL_MAX_AXES])
{
    const struct scene *scene = control->scene;
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(kwargs, "world");
    if (all)
        return json_numbers(all, world, (int)scene->ndim, (int)scene->ndim) > 0;
    struct scene_view view;
    scene_view_read(scene, call->view, &view);
    double shown[3];
    const cJSON *position = cJSON_GetObjectItemCaseSensitive(kwargs, "position");
    if (json_numbers(position, shown, (int)view.ndisplay, 3) < 0)
        return false;
    for (uint32_t a = 0; a < scene->ndim; a++)
        world[a] = scene->axes[a].translate + (double)view.step[a] * scene->axes[a].scale;
    for (uint32_t k = 0; k < view.ndisplay; k++)
        world[view.order[scene->ndim - 1 - k]] = shown[k];
    return true;
}

/* The level-0 voxel of a layer there. */
static void locate(const struct scene *scene, const double world[ORIEL_MAX_AXES],
                   const struct scene_layer *layer, struct probe_layer *out)
{
    out->ndim = layer->ndim;
    out->inside = true;
    for (uint32_t a = 0; a < layer->ndim; a++) {
        double at = world[a + scene->ndim - layer->ndim];
        double index = round((at - layer->axes[a].translate) / layer->axes[a].scale);
        if (!(index >= 0 && index < (double)layer->axes[a].size))
            out->inside = false;
        out->index[a] = (int64_t)fmin(fmax(index, -1e15), 1e15);
    }
}

void command_probe(struct control *control, struct call *call, const cJSON *kwargs)
{
    double world[ORIEL_MAX_AXES];
    if (!world_point(control, call, kwargs, world)) {
        command_refuse(control, call, "command.invalid",
                       "position must be [x, y] or [x, y, z], or world a number for every axis",
                       NULL);
        return;
    }
    const cJSON *position = cJSON_GetObjectItemCaseSensitive(kwargs, "position");
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(kwargs, "dims");
    struct probe_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = probe_run,
                             .done = probe_done,
                             .drop = probe_drop,
                             .kind = JOB_READ,
                             .cancel = &call->cancel};
    self->call = call;
    self->pool = control->rooms.pool;
    self->position = position ? cJSON_Duplicate(position, true) : cJSON_CreateNull();
    self->dims = dims ? cJSON_Duplicate(dims, true) : NULL;
    self->layers = xcalloc(control->scene->layer_count, sizeof *self->layers);
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        const struct scene_layer *layer = control->scene->layers[i];
        if (!layer->binding.dataset)
            continue;
        struct probe_layer *p = &self->layers[self->count++];
        snprintf(p->id, sizeof p->id, "%s", layer->id);
        p->visible =
            !cJSON_IsFalse(record_value(control->scene->record, "layer", layer->id, "visible"));
        p->binding = layer->binding;
        dataset_ref(p->binding.dataset);
        locate(control->scene, world, layer, p);
    }
    worker_add(control->worker, &self->job);
}
