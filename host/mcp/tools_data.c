/* SPDX-License-Identifier: BSD-3-Clause */
/* Tools that open, close, save and load. */
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

static const struct param none[] = {{0}};

static void tell(struct tool_call *call, const cJSON *value)
{
    tool_finish(call, value ? cJSON_Duplicate(value, true) : cJSON_CreateObject());
}

static cJSON *given(const struct tool_call *call)
{
    return cJSON_Duplicate(call->args, true);
}

static const struct param open_params[] = {
    {"path", "of an OME-Zarr, a Zarr array or a .npy within the data root", PARAM_STRING,
     .least = 1, .required = true},
    {0}};

static void open_dataset(struct tool_call *call)
{
    tool_command(call, "napari.load_zarr", given(call), tell);
}

static void close_all(struct tool_call *call)
{
    tool_command(call, "napari.close", NULL, tell);
}

static const struct param save_params[] = {
    {"name", "letters, digits, space, dot, dash and underscore, not beginning with a dot",
     PARAM_STRING, .least = 1, .most = 100, .required = true},
    {0}};
static const struct param save_result[] = {
    {"name", NULL, PARAM_STRING, .required = true}, {"path", NULL, .types = PARAM_STRING}, {0}};

static void save_scene(struct tool_call *call)
{
    tool_command(call, "napari.scene.save", given(call), tell);
}

static const char *const kinds[] = {"name", "path", NULL};
static const struct param load_params[] = {
    {"scene", "what to load", PARAM_STRING, .least = 1, .required = true},
    {"kind", "scene is the name of a saved one (default), or the path of a scene file",
     PARAM_STRING, .choices = kinds},
    {0}};

static void load_scene(struct tool_call *call)
{
    const char *kind = json_string(tool_arg(call, "kind"));
    cJSON *kwargs = cJSON_CreateObject();
    json_put(kwargs, kind ? kind : kinds[0], tool_arg_copy(call, "scene"));
    tool_command(call, "napari.scene.load", kwargs, tell);
}

const struct tool tools_data[] = {
    {.name = "open_dataset",
     .title = "Open a dataset",
     .help = "Shows other data instead of what is open. add_image adds to it instead.",
     .params = open_params,
     .destructive = true,
     .slow = true,
     .object = "path",
     .run = open_dataset},
    {.name = "close",
     .title = "Close everything",
     .help = "Closes all layers; the server waits for other data.",
     .params = none,
     .destructive = true,
     .idempotent = true,
     .run = close_all},
    {.name = "save_scene",
     .title = "Save the scene",
     .help = "Writes the scene under a name, over one of the same name.",
     .params = save_params,
     .result = save_result,
     .destructive = true,
     .idempotent = true,
     .slow = true,
     .object = "name",
     .run = save_scene},
    {.name = "load_scene",
     .title = "Load a scene",
     .help = "Shows a saved scene instead of what is open.",
     .params = load_params,
     .destructive = true,
     .slow = true,
     .object = "scene",
     .run = load_scene},
    {0}};
