/* SPDX-License-Identifier: BSD-3-Clause */
/* Tools that change layers. */
#include <stdio.h>
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

static const double unit[] = {0, 1}, above_zero[] = {0, 1e9}, any_place[] = {0, 1e6};

static const char *const blendings[] = {
    "translucent", "translucent_no_depth", "additive", "minimum", "opaque", "multiplicative", NULL};
static const char *const renderings[] = {
    "mip", "minip", "attenuated_mip", "average", "additive", "translucent", "iso", NULL};
static const char *const depictions[] = {"volume", "plane", NULL};

#define LAYER                                                                                      \
    {                                                                                              \
        "layer", "id or name, as list_layers tells", PARAM_STRING, .least = 1, .required = true    \
    }
/* In the order in which they are set: limits after the range that they lie in. */
#define CONTROLS                                                                                   \
    {"visible", NULL, .types = PARAM_BOOLEAN}, {"opacity", NULL, PARAM_NUMBER, .range = unit},     \
        {"blending", NULL, PARAM_STRING, .choices = blendings},                                    \
        {"interpolation", "of the current ndisplay: nearest, linear, cubic, …", PARAM_STRING,      \
         .least = 1, .most = 64},                                                                  \
        {"colormap", "a name (gray, viridis, magenta, …), \"#rrggbb\", or an object with colors",  \
         PARAM_STRING | PARAM_OBJECT, .least = 1, .most = 64},                                     \
        {"gamma", NULL, PARAM_NUMBER, .range = above_zero, .above = true},                         \
        {"contrast_limits_range",                                                                  \
         "[low, high] that the limits' slider spans",                                              \
         PARAM_LIST,                                                                               \
         PARAM_NUMBER,                                                                             \
         .least = 2,                                                                               \
         .most = 2},                                                                               \
        {"contrast_limits", "[low, high]: the values shown as black and as full colour",           \
         PARAM_LIST,        PARAM_NUMBER,                                                          \
         .least = 2,        .most = 2},                                                            \
        {"rendering", "how a volume is projected", PARAM_STRING, .choices = renderings},           \
        {"attenuation", "of attenuated_mip", PARAM_NUMBER, .range = above_zero},                   \
        {"iso_threshold", "value of the surface that iso shows", .types = PARAM_NUMBER},           \
    {                                                                                              \
        "depiction", "in 3-D: the whole volume, or a plane", PARAM_STRING, .choices = depictions   \
    }

static const struct param controls[] = {CONTROLS, {0}};

/* --- set_layer_properties --- */

static const struct param properties_params[] = {
    LAYER, {"name", "a new name", PARAM_STRING, .least = 1, .most = 200}, CONTROLS, {0}};
static const struct param applied_result[] = {
    {"layer_id", NULL, PARAM_STRING, .required = true},
    {"applied", "what each property is now", PARAM_OBJECT, .required = true},
    {0}};

static void set_done(struct tool_call *call, const cJSON *applied);

/* One after the other, in the order of the table; the first that is refused ends it. */
static void set_next(struct tool_call *call)
{
    const struct param *param = &properties_params[call->at];
    while (param->name && !tool_arg(call, param->name))
        param++;
    call->at = (size_t)(param - properties_params);
    if (param->name) {
        tool_update(call, "layer", call->layer, param->name, tool_arg_copy(call, param->name),
                    set_done);
        return;
    }
    cJSON *out = call->gathered;
    call->gathered = NULL;
    tool_finish(call, out);
}

static void set_done(struct tool_call *call, const cJSON *applied)
{
    const char *key = properties_params[call->at++].name;
    cJSON *all = cJSON_GetObjectItemCaseSensitive(call->gathered, "applied");
    json_put(all, key, applied ? cJSON_Duplicate(applied, true) : cJSON_CreateNull());
    size_t used = strlen(call->done);
    snprintf(call->done + used, sizeof call->done - used, "%s%s", used ? ", " : "", key);
    set_next(call);
}

static void set_first(struct tool_call *call, const cJSON *value)
{
    (void)value;
    call->gathered = cJSON_CreateObject();
    json_put_string(call->gathered, "layer_id", call->layer);
    json_put(call->gathered, "applied", cJSON_CreateObject());
    call->at = 1; /* after `layer` */
    set_next(call);
}

static void set_layer_properties(struct tool_call *call)
{
    tool_with_layer(call, set_first);
}

/* --- add_image --- */

static const double levels[] = {0, 63};
static const struct param add_params[] = {
    {"path", "of an OME-Zarr, a Zarr array or a .npy within the data root", PARAM_STRING,
     .least = 1, .required = true},
    {"name", "of the layer; without it that of the file", PARAM_STRING, .least = 1, .most = 200},
    {"level", "show this resolution level only", PARAM_INTEGER, .range = levels},
    {"index",
     "one entry for each axis of the data: an integer fixes the axis, null keeps it, [a, b] crops "
     "it",
     PARAM_LIST, PARAM_INTEGER | PARAM_NULL | PARAM_PAIR, .least = 1, .most = 16},
    CONTROLS,
    {0}};
static const struct param add_result[] = {
    {"layer_ids", "of the new layers", PARAM_LIST, PARAM_STRING, .required = true}, {0}};

static void tell_value(struct tool_call *call, const cJSON *value)
{
    tool_finish(call, value ? cJSON_Duplicate(value, true) : cJSON_CreateObject());
}

static void add_image(struct tool_call *call)
{
    cJSON *kwargs = cJSON_Duplicate(call->args, true), *set = cJSON_CreateObject();
    for (const struct param *param = controls; param->name; param++) {
        cJSON *control = cJSON_DetachItemFromObjectCaseSensitive(kwargs, param->name);
        if (control)
            json_put(set, param->name, control);
    }
    if (set->child)
        json_put(kwargs, "controls", set);
    else
        cJSON_Delete(set);
    tool_command(call, "napari.layer.add", kwargs, tell_value);
}

/* --- remove_layer, restore_layer, reorder_layer, auto_contrast --- */

static const struct param layer_params[] = {LAYER, {0}};
static const struct param id_result[] = {{"layer_id", NULL, PARAM_STRING, .required = true}, {0}};

static void tell_layer(struct tool_call *call, const cJSON *value)
{
    (void)value;
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "layer_id", call->layer);
    tool_finish(call, out);
}

static cJSON *layer_kwargs(const struct tool_call *call)
{
    cJSON *kwargs = cJSON_CreateObject();
    json_put_string(kwargs, "layer_id", call->layer);
    return kwargs;
}

static void remove_found(struct tool_call *call, const cJSON *value)
{
    (void)value;
    tool_command(call, "napari.layer.remove", layer_kwargs(call), tell_layer);
}

static void remove_layer(struct tool_call *call)
{
    tool_with_layer(call, remove_found);
}

static const struct param restore_params[] = {
    {"layer_id", "as remove_layer told", PARAM_STRING, .least = 1, .most = 63, .required = true},
    {0}};

static void restore_layer(struct tool_call *call)
{
    snprintf(call->layer, sizeof call->layer, "%s", tool_arg(call, "layer_id")->valuestring);
    tool_command(call, "napari.layer.restore", layer_kwargs(call), tell_layer);
}

static const struct param reorder_params[] = {
    LAYER, {"index", "0 is the bottom", PARAM_INTEGER, .range = any_place, .required = true}, {0}};

static void move_found(struct tool_call *call, const cJSON *value)
{
    (void)value;
    cJSON *kwargs = layer_kwargs(call);
    json_put(kwargs, "index", tool_arg_copy(call, "index"));
    tool_command(call, "napari.layer.move", kwargs, tell_layer);
}

static void reorder_layer(struct tool_call *call)
{
    tool_with_layer(call, move_found);
}

static const struct param limits_result[] = {
    {"contrast_limits", NULL, PARAM_LIST, PARAM_NUMBER, .required = true}, {0}};

static void contrast_found(struct tool_call *call, const cJSON *value)
{
    (void)value;
    tool_command(call, "napari.layer.auto_contrast", layer_kwargs(call), tell_value);
}

static void auto_contrast(struct tool_call *call)
{
    tool_with_layer(call, contrast_found);
}

const struct tool tools_layer[] = {
    {.name = "set_layer_properties",
     .title = "Set layer properties",
     .help = "Changes how a layer is shown, one property after the other. The first one that is "
             "refused ends it; the answer then says which were set before.",
     .params = properties_params,
     .least_params = 2,
     .result = applied_result,
     .idempotent = true,
     .object = "layer",
     .run = set_layer_properties},
    {.name = "add_image",
     .title = "Add an image",
     .help = "Opens data as further layers, above those that are there.",
     .params = add_params,
     .result = add_result,
     .slow = true,
     .object = "path",
     .run = add_image},
    {.name = "remove_layer",
     .title = "Remove a layer",
     .help = "Takes a layer away; for a minute restore_layer brings it back.",
     .params = layer_params,
     .result = id_result,
     .destructive = true,
     .object = "layer",
     .run = remove_layer},
    {.name = "restore_layer",
     .title = "Restore a layer",
     .help = "Brings back a layer that was removed less than a minute ago.",
     .params = restore_params,
     .result = id_result,
     .object = "layer_id",
     .run = restore_layer},
    {.name = "reorder_layer",
     .title = "Reorder layers",
     .help = "Moves a layer up or down.",
     .params = reorder_params,
     .result = id_result,
     .idempotent = true,
     .object = "layer",
     .run = reorder_layer},
    {.name = "auto_contrast",
     .title = "Auto contrast",
     .help = "Sets contrast limits that suit the values of a layer.",
     .params = layer_params,
     .result = limits_result,
     .idempotent = true,
     .slow = true,
     .object = "layer",
     .run = auto_contrast},
    {0}};
