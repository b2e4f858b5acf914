/* SPDX-License-Identifier: BSD-3-Clause */
/* napari.layer.range and napari.layer.auto_contrast: on a worker, which reads data. */
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

/* Through the reducers, as a client would: the layer may have gone meanwhile. */
static void apply_limits(struct control *control, const struct range_job *self)
{
    double limits[2] = {self->range.low, self->range.high};
    if (!(limits[0] < limits[1])) {
        limits[0] = self->range.min;
        limits[1] = self->range.max;
    }
    cJSON *value = cJSON_CreateDoubleArray(limits, 2);
    struct scene_request request = {
        .scope = "layer", .target = self->layer_id, .key = "contrast_limits", .value = value};
    struct actor actor = {self->call->actor, self->call->role, call_view(control, self->call)};
    struct record_origin origin;
    call_origin(self->call, &origin);
    struct reduction result;
    update_apply(control, &actor, NULL, &request, &origin, &result);
    if (result.accepted) {
        cJSON *out = cJSON_CreateObject();
        json_put(out, "contrast_limits", cJSON_Duplicate(result.applied, true));
        call_reply(control, self->call, out);
    } else {
        call_error(control, self->call, "command.invalid", result.message, NULL);
    }
    reduction_finish(&result);
    cJSON_Delete(value);
}

static void range_done(struct control *control, struct job *job)
{
    struct range_job *self = (struct range_job *)job;
    if (!self->ok)
        call_error(control, self->call, "data.read", self->err.text, NULL);
    else if (!self->range.count)
        call_error(control, self->call, "data.empty", "there is no finite value", NULL);
    else if (!self->apply)
        call_reply(control, self->call, range_json(&self->range));
    else if (!self->call->answered) /* who gave up does not want it any more */
        apply_limits(control, self);
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
    self->job = (struct job){.run = range_run,
                             .done = range_done,
                             .drop = range_drop,
                             .kind = JOB_READ,
                             .cancel = &call->cancel};
    self->call = call;
    self->binding = layer->binding;
    dataset_ref(self->binding.dataset);
    snprintf(self->layer_id, sizeof self->layer_id, "%s", layer->id);
    self->apply = apply;
    worker_add(control->worker, &self->job);
}
