/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that read values: on the worker, answered when it is done. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/room.h"
#include "render/dataset.h"
#include "render/range.h"
#include "scene/json.h"
#include "util/check.h"

/* --- napari.layer.range, napari.layer.auto_contrast
 * ----------------------------------------------- */

struct range_job {
    struct job job;
    struct call *call;
    struct layer_binding binding; /* with a reference */
    char layer_id[32];
    bool apply;
    bool ok;
    struct data_range range;
    struct error err;
};

static void range_drop(struct job *job)
{
    struct range_job *self = (struct range_job *)job;
    dataset_unref(self->binding.dataset);
    call_finish(self->call);
    free(self);
}

static void range_run(struct job *job)
{
    struct range_job *self = (struct range_job *)job;
    self->ok = data_range_read(self->binding.dataset, &self->binding, &self->range, &self->err);
}

static cJSON *range_json(const struct data_range *range)
{
    cJSON *out = cJSON_CreateObject();
    json_put_number(out, "min", range->min);
    json_put_number(out, "max", range->max);
    json_put_number(out, "low", range->low);
    json_put_number(out, "high", range->high);
    cJSON *bins = json_put(out, "bins", cJSON_CreateArray());
    for (int i = 0; i < 256; i++)
        cJSON_AddItemToArray(bins, cJSON_CreateNumber(range->bins[i]));
    return out;
}

static cJSON *apply_limits(struct control *control, const struct range_job *self)
{
    double limits[2] = {self->range.low, self->range.high};
    if (!(limits[0] < limits[1])) {
        limits[0] = self->range.min;
        limits[1] = self->range.max;
    }
    cJSON *value = cJSON_CreateDoubleArray(limits, 2);
    struct scene_request request = {
        .scope = "layer", .target = self->layer_id, .key = "contrast_limits", .value = value};
    struct reduction result;
    scene_reduce(control->scene, &request, &result);
    struct record_origin origin;
    call_origin(self->call, &origin);
    if (result.accepted) {
        record_commit(control->scene->record, result.writes, &origin);
        result.writes = NULL;
    }
    reduction_finish(&result);
    cJSON *out = cJSON_CreateObject();
    json_put(out, "contrast_limits", value);
    return out;
}

static void range_done(struct control *control, struct job *job)
{
    struct range_job *self = (struct range_job *)job;
    if (!self->ok)
        call_error(control, self->call, "data.read", self->err.text, NULL);
    else if (!self->range.count)
        call_error(control, self->call, "data.empty", "there is no finite value", NULL);
    else
        call_reply(control, self->call,
                   self->apply ? apply_limits(control, self) : range_json(&self->range));
    range_drop(job);
}

void command_range(struct control *control, struct call *call, const cJSON *kwargs, bool apply)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(kwargs, "layer_id");
    struct scene_layer *layer =
        cJSON_IsString(id) ? scene_find(control->scene, id->valuestring) : NULL;
    if (!layer || !layer->binding.dataset) {
        call_error(control, call, "command.invalid", "layer_id names no layer", NULL);
        call_finish(call);
        return;
    }
    struct range_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = range_run, .done = range_done, .drop = range_drop};
    self->call = call;
    self->binding = layer->binding;
    dataset_ref(self->binding.dataset);
    snprintf(self->layer_id, sizeof self->layer_id, "%s", layer->id);
    self->apply = apply;
    worker_add(control->worker, &self->job);
}

/* --- napari.probe
 * --------------------------------------------------------------------------------- */

struct probe_layer {
    char id[32];
    struct layer_binding binding; /* with a reference */
    uint32_t ndim;
    bool inside, ok;
    int64_t index[ORIEL_MAX_AXES];
    double value;
};

struct probe_job {
    struct job job;
    struct call *call;
    struct render *render;
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
    for (size_t i = 0; i < self->count; i++) {
        struct probe_layer *layer = &self->layers[i];
        struct error err;
        layer->ok = layer->inside && self->render &&
                    render_probe(self->render, &layer->binding, layer->index, &layer->value, &err);
    }
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
        json_put(item, "value",
                 layer->ok && isfinite(layer->value) ? cJSON_CreateNumber(layer->value)
                                                     : cJSON_CreateNull());
        json_put_number(item, "level", 0);
        cJSON_AddItemToArray(layers, item);
    }
    call_reply(control, self->call, out);
    probe_drop(job);
}

/* The level-0 voxel of a layer at a world point: displayed axes from `position`, others from the
 * slice. */
static void locate(const struct control *control, const struct scene_view *view,
                   const double position[3], const struct scene_layer *layer,
                   struct probe_layer *out)
{
    const struct scene *scene = control->scene;
    double world[ORIEL_MAX_AXES];
    for (uint32_t a = 0; a < scene->ndim; a++)
        world[a] = scene->axes[a].translate + (double)view->step[a] * scene->axes[a].scale;
    for (uint32_t k = 0; k < view->ndisplay; k++)
        world[view->order[scene->ndim - 1 - k]] = position[k];
    out->ndim = layer->ndim;
    out->inside = layer->binding.dataset != NULL;
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
    struct scene_view view;
    scene_view_read(control->scene, call->view, &view);
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(kwargs, "position");
    double position[3] = {0, 0, 0};
    if (json_numbers(given, position, (int)view.ndisplay, 3) < 0) {
        call_error(control, call, "command.invalid", "position must be [x, y] or [x, y, z]", NULL);
        call_finish(call);
        return;
    }
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(kwargs, "dims");
    struct probe_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = probe_run, .done = probe_done, .drop = probe_drop};
    self->call = call;
    self->render = call_view(control, call)->render;
    self->position = cJSON_Duplicate(given, true);
    self->dims = dims ? cJSON_Duplicate(dims, true) : NULL;
    self->layers = xcalloc(control->scene->layer_count, sizeof *self->layers);
    for (size_t i = 0; i < control->scene->layer_count; i++) {
        const struct scene_layer *layer = control->scene->layers[i];
        const cJSON *visible = record_value(control->scene->record, "layer", layer->id, "visible");
        if (cJSON_IsFalse(visible) || !layer->binding.dataset)
            continue;
        struct probe_layer *p = &self->layers[self->count++];
        snprintf(p->id, sizeof p->id, "%s", layer->id);
        p->binding = layer->binding;
        dataset_ref(p->binding.dataset);
        locate(control, &view, position, layer, p);
    }
    worker_add(control->worker, &self->job);
}
