/* SPDX-License-Identifier: BSD-3-Clause */
/* Tools that move the shared view: dims, camera. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

/* {"<key>": what was applied}. */
static void tell(struct tool_call *call, const char *key, const cJSON *applied)
{
    cJSON *out = cJSON_CreateObject();
    json_put(out, key, applied ? cJSON_Duplicate(applied, true) : cJSON_CreateNull());
    tool_finish(call, out);
}

/* --- set_ndisplay --- */

static const double ndisplays[] = {2, 3};
static const struct param ndisplay_params[] = {
    {"ndisplay", "2: a plane, 3: a volume", PARAM_INTEGER, .range = ndisplays, .required = true},
    {0}};
static const struct param ndisplay_result[] = {{"ndisplay", NULL, PARAM_INTEGER, .required = true},
                                               {0}};

static void tell_ndisplay(struct tool_call *call, const cJSON *value)
{
    tell(call, "ndisplay", value);
}

static void set_ndisplay(struct tool_call *call)
{
    tool_update(call, "view", "main", "ndisplay", tool_arg_copy(call, "ndisplay"), tell_ndisplay);
}

/* --- set_dims_current_step --- */

static const struct param step_params[] = {
    {"axis", "name of an axis, or its number in the order of the data",
     PARAM_STRING | PARAM_INTEGER, .least = 1, .most = 64, .required = true},
    {"value", "index of the finest level; outside the data the nearest one inside is taken",
     PARAM_INTEGER, .required = true},
    {0}};
static const struct param step_result[] = {
    {"axis", NULL, PARAM_STRING | PARAM_INTEGER, .required = true},
    {"value", "the index shown now", PARAM_INTEGER, .required = true},
    {0}};

static void tell_step(struct tool_call *call, const cJSON *value)
{
    cJSON *out = cJSON_CreateObject();
    json_put(out, "axis", tool_arg_copy(call, "axis"));
    json_put(out, "value", cJSON_Duplicate(value, true));
    tool_finish(call, out);
}

static void set_dims_current_step(struct tool_call *call)
{
    const cJSON *axis = tool_arg(call, "axis");
    char number[32];
    snprintf(number, sizeof number, "%.0f", axis->valuedouble);
    tool_update(call, "dims", cJSON_IsString(axis) ? axis->valuestring : number, "index",
                tool_arg_copy(call, "value"), tell_step);
}

/* --- set_camera --- */

static const double positive[] = {0, 1e12};
static const struct param camera_params[] = {
    {"center", "[x, y] in 2-D, [x, y, z] in 3-D: the world position in the middle", PARAM_LIST,
     PARAM_NUMBER, .least = 2, .most = 3},
    {"zoom", "pixels of the picture for a world unit", PARAM_NUMBER, .range = positive,
     .above = true},
    {"angles", "3-D only: [azimuth, elevation] or [azimuth, elevation, roll], degrees", PARAM_LIST,
     PARAM_NUMBER, .least = 2, .most = 3},
    {0}};
static const struct param camera_result[] = {{"center", NULL, PARAM_LIST, .items = PARAM_NUMBER},
                                             {"zoom", NULL, .types = PARAM_NUMBER},
                                             {"angles", NULL, PARAM_LIST, .items = PARAM_NUMBER},
                                             {0}};

static void tell_camera(struct tool_call *call, const cJSON *value)
{
    tool_finish(call, cJSON_Duplicate(value, true));
}

/* The reducer takes what fits the view and leaves the rest, so what does not fit is said here. */
static void move_camera(struct tool_call *call, const cJSON *value)
{
    const cJSON *view = cJSON_GetObjectItemCaseSensitive(value, "view");
    const cJSON *ndisplay = cJSON_GetObjectItemCaseSensitive(view, "ndisplay");
    const cJSON *center = tool_arg(call, "center");
    int shown = cJSON_IsNumber(ndisplay) ? ndisplay->valueint : 2;
    if (shown == 2 && tool_arg(call, "angles"))
        tool_fail(call, "mcp.invalid_arguments", NULL,
                  "angles: the view is 2-D; set_ndisplay 3 shows a volume");
    else if (center && cJSON_GetArraySize(center) != shown)
        tool_fail(call, "mcp.invalid_arguments", NULL, "center must be %s: the view is %d-D",
                  shown == 2 ? "[x, y]" : "[x, y, z]", shown);
    else
        tool_update(call, "camera", "main", "set", cJSON_Duplicate(call->args, true), tell_camera);
}

static void set_camera(struct tool_call *call)
{
    tool_command(call, "oriel.describe", NULL, move_camera);
}

/* --- reset_view --- */

static const struct param none[] = {{0}};

static void tell_reset(struct tool_call *call, const cJSON *value)
{
    (void)value;
    tool_finish(call, cJSON_CreateObject());
}

static void reset_view(struct tool_call *call)
{
    tool_update(call, "view", "main", "reset", cJSON_CreateObject(), tell_reset);
}

const struct tool tools_view[] = {
    {.name = "set_ndisplay",
     .title = "2-D or 3-D",
     .help = "Shows a plane of the data (2) or a volume (3).",
     .params = ndisplay_params,
     .result = ndisplay_result,
     .idempotent = true,
     .run = set_ndisplay},
    {.name = "set_dims_current_step",
     .title = "Go to a slice",
     .help = "Moves the slider of an axis.",
     .params = step_params,
     .result = step_result,
     .idempotent = true,
     .object = "axis",
     .run = set_dims_current_step},
    {.name = "set_camera",
     .title = "Move the camera",
     .help = "Sets center, zoom and angles of the shared view; what is left out stays.",
     .params = camera_params,
     .least_params = 1,
     .result = camera_result,
     .idempotent = true,
     .run = set_camera},
    {.name = "reset_view",
     .title = "Show everything",
     .help = "The home view: all of the data fits the picture.",
     .params = none,
     .idempotent = true,
     .run = reset_view},
    {0}};
