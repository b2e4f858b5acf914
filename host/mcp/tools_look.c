/* SPDX-License-Identifier: BSD-3-Clause */
/* Tools that look and change nothing: all that a viewer's token may call. */
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

static const struct param none[] = {{0}};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Copies a member, or null where there is none. */
static void copy(cJSON *to, const cJSON *from, const char *key)
{
    const cJSON *value = member(from, key);
    json_put(to, key, value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
}

static void pass_on(struct tool_call *call, const cJSON *value)
{
    tool_finish(call, value ? cJSON_Duplicate(value, true) : cJSON_CreateObject());
}

/* Arguments that are given, as they are. */
static cJSON *given(const struct tool_call *call)
{
    return cJSON_Duplicate(call->args, true);
}

/* --- init_viewer, detect_viewers, session_information --- */

static const struct param served[] = {
    {"version", "Oriel's version", PARAM_STRING, .required = true},
    {"role", "what this token may do: viewer or editor", PARAM_STRING, .required = true},
    {"idle", "true: nothing is open", PARAM_BOOLEAN, .required = true},
    {"layers", "names of the layers, bottom first", PARAM_LIST, PARAM_STRING, .required = true},
    {"ndisplay", "2: a plane, 3: a volume", PARAM_INTEGER, .required = true},
    {"axes", "axes of the world, with name, type, unit, size, scale, translate", PARAM_LIST,
     PARAM_OBJECT, .required = true},
    {"canvas", "width and height of the shared picture", PARAM_LIST, PARAM_INTEGER,
     .required = true},
    {0}};

static void tell_served(struct tool_call *call, const cJSON *value)
{
    const cJSON *view = member(value, "view"), *layers = member(value, "layers"), *layer;
    const cJSON *axes = member(view, "axes"), *size = member(member(view, "canvas"), "size");
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "version", ORIEL_VERSION);
    json_put_string(out, "role", access_role_name(call->exchange->role));
    json_put_bool(out, "idle", cJSON_GetArraySize(layers) == 0);
    cJSON *names = json_put(out, "layers", cJSON_CreateArray());
    cJSON_ArrayForEach(layer, layers)
    {
        cJSON_AddItemToArray(names, cJSON_Duplicate(member(layer, "name"), true));
    }
    copy(out, view, "ndisplay");
    json_put(out, "axes", axes ? cJSON_Duplicate(axes, true) : cJSON_CreateArray());
    json_put(out, "canvas", size ? cJSON_Duplicate(size, true) : cJSON_CreateArray());
    tool_finish(call, out);
}

static void init_viewer(struct tool_call *call)
{
    tool_command(call, "oriel.describe", NULL, tell_served);
}

static const struct param viewers[] = {
    {"sessions", "connected viewers: id, peer, name, role, and the view each looks at", PARAM_LIST,
     PARAM_OBJECT, .required = true},
    {"streams", "pictures being streamed, each with its view, encoder and clients", PARAM_LIST,
     PARAM_OBJECT, .required = true},
    {0}};

static void add_streams(struct tool_call *call, const cJSON *value)
{
    cJSON *out = call->gathered;
    call->gathered = NULL;
    const cJSON *streams = member(value, "streams");
    json_put(out, "streams", streams ? cJSON_Duplicate(streams, true) : cJSON_CreateArray());
    tool_finish(call, out);
}

static void keep_sessions(struct tool_call *call, const cJSON *value)
{
    const cJSON *sessions = member(value, "sessions");
    call->gathered = cJSON_CreateObject();
    json_put(call->gathered, "sessions",
             sessions ? cJSON_Duplicate(sessions, true) : cJSON_CreateArray());
    tool_command(call, "oriel.streams", NULL, add_streams);
}

static void detect_viewers(struct tool_call *call)
{
    tool_command(call, "oriel.describe", NULL, keep_sessions);
}

static const struct param session[] = {
    {"role", "what this token may do", PARAM_STRING, .required = true},
    {"protocol", "revision of MCP that is spoken", PARAM_STRING, .required = true},
    {"limits", "call_ms, slow_call_ms, calls_per_minute, calls_at_once", PARAM_OBJECT,
     .required = true},
    {"view", "the shared view: dims, camera, canvas", PARAM_OBJECT, .required = true},
    {"status", "renderer, stream and versions", PARAM_OBJECT | PARAM_NULL, .required = true},
    {0}};

static void tell_session(struct tool_call *call, const cJSON *value)
{
    const struct mcp *mcp = call->mcp;
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "role", access_role_name(call->exchange->role));
    json_put_string(out, "protocol", call->exchange->version);
    cJSON *limits = json_put(out, "limits", cJSON_CreateObject());
    json_put_number(limits, "call_ms", (double)mcp->call_ms);
    json_put_number(limits, "slow_call_ms", (double)mcp->call_ms * MCP_SLOW);
    json_put_number(limits, "calls_per_minute", (double)mcp->calls_per_minute);
    json_put_number(limits, "calls_at_once", MCP_CALLS);
    copy(out, value, "view");
    copy(out, value, "status");
    tool_finish(call, out);
}

static void session_information(struct tool_call *call)
{
    tool_command(call, "oriel.describe", NULL, tell_session);
}

/* --- list_layers --- */

static const struct param layer_list[] = {
    {"layers",
     "bottom first: layer_id, name, dtype, shape, axes, scale, translate, unit, source, status, "
     "level (the one shown), level_count, controls",
     PARAM_LIST, PARAM_OBJECT, .required = true},
    {0}};

static void tell_layers(struct tool_call *call, const cJSON *value)
{
    static const char *const block_keys[] = {"layer_id", "name",  "dtype",
                                             "shape",    "scale", "translate"};
    static const char *const state_keys[] = {"axes",  "unit",  "source",      "status",
                                             "error", "level", "level_count", "warnings"};
    cJSON *out = cJSON_CreateObject(), *list = json_put(out, "layers", cJSON_CreateArray());
    const cJSON *layer;
    cJSON_ArrayForEach(layer, member(value, "layers"))
    {
        cJSON *item = cJSON_CreateObject();
        for (size_t i = 0; i < sizeof block_keys / sizeof *block_keys; i++)
            copy(item, layer, block_keys[i]);
        for (size_t i = 0; i < sizeof state_keys / sizeof *state_keys; i++)
            copy(item, member(layer, "oriel"), state_keys[i]);
        copy(item, layer, "controls");
        cJSON_AddItemToArray(list, item);
    }
    tool_finish(call, out);
}

static void list_layers(struct tool_call *call)
{
    tool_command(call, "oriel.describe", NULL, tell_layers);
}

/* --- probe, layer_range --- */

static const char *const spaces[] = {"displayed", "world", NULL};
static const struct param probe_params[] = {{"position", "where, in world units", PARAM_LIST,
                                             PARAM_NUMBER, .least = 2, .most = 16,
                                             .required = true},
                                            {"space",
                                             "displayed (default): position is [x, y] or [x, y, z] "
                                             "of the displayed axes; world: one number "
                                             "for each axis of the world, in the order of the data",
                                             PARAM_STRING, .choices = spaces},
                                            {0}};
static const struct param probe_result[] = {
    {"layers",
     "top first: layer_id, index of the voxel, value in the data's dtype, or null outside; 64-bit "
     "integers that no double holds are decimal strings",
     PARAM_LIST, PARAM_OBJECT, .required = true},
    {0}};

static void probe(struct tool_call *call)
{
    const char *space = json_string(tool_arg(call, "space"));
    cJSON *kwargs = cJSON_CreateObject();
    json_put(kwargs, space && strcmp(space, "world") == 0 ? "world" : "position",
             tool_arg_copy(call, "position"));
    tool_command(call, "napari.probe", kwargs, pass_on);
}

static const struct param layer_params[] = {
    {"layer", "id or name, as list_layers tells", PARAM_STRING, .least = 1, .required = true}, {0}};
static const struct param range_result[] = {
    {"min", "smallest value", PARAM_NUMBER, .required = true},
    {"max", "largest value", PARAM_NUMBER, .required = true},
    {"low", "lower limit that auto_contrast would set", PARAM_NUMBER, .required = true},
    {"high", "upper limit that auto_contrast would set", PARAM_NUMBER, .required = true},
    {"bins", "histogram: 256 counts from min to max", PARAM_LIST, PARAM_NUMBER, .required = true},
    {0}};

static void ask_range(struct tool_call *call, const cJSON *value)
{
    (void)value;
    cJSON *kwargs = cJSON_CreateObject();
    json_put_string(kwargs, "layer_id", call->layer);
    tool_command(call, "napari.layer.range", kwargs, pass_on);
}

static void layer_range(struct tool_call *call)
{
    tool_with_layer(call, ask_range);
}

/* --- screenshot --- */

static const double picture_sizes[] = {16, 16384};
static const struct param screenshot_params[] = {
    {"size", "[width, height] in pixels; without it that of the shared picture", PARAM_LIST,
     PARAM_INTEGER, .range = picture_sizes, .least = 2, .most = 2},
    {0}};
static const struct param screenshot_result[] = {
    {"width", NULL, PARAM_INTEGER, .required = true},
    {"height", NULL, PARAM_INTEGER, .required = true},
    {"revision", "of the scene that it shows", PARAM_INTEGER, .required = true},
    {0}};

static void tell_picture(struct tool_call *call, const cJSON *value)
{
    const char *png = json_string(member(value, "png"));
    if (!png) {
        tool_fail(call, "mcp.no_picture", NULL, "there is no picture");
        return;
    }
    cJSON *out = cJSON_CreateObject();
    copy(out, value, "width");
    copy(out, value, "height");
    copy(out, value, "revision");
    tool_finish_picture(call, png, out);
}

static void screenshot(struct tool_call *call)
{
    tool_command(call, "napari.screenshot", given(call), tell_picture);
}

/* --- list_directory, list_scenes, get_scene --- */

static const double page_sizes[] = {1, 1000};
static const struct param directory_params[] = {
    {"path", "folder; without it the root that may be browsed", PARAM_STRING, .least = 1},
    {"show_hidden", "names that begin with a dot as well", .types = PARAM_BOOLEAN},
    {"limit", "most entries at a time", PARAM_INTEGER, .range = page_sizes},
    {"cursor", "of an earlier answer, to go on from there", .types = PARAM_STRING | PARAM_NULL},
    {0}};
static const struct param directory_result[] = {
    {"path", NULL, .types = PARAM_STRING | PARAM_NULL},
    {"entries", NULL, PARAM_LIST, PARAM_OBJECT, .required = true},
    {0}};

static void list_directory(struct tool_call *call)
{
    tool_command(call, "fs.listdir", given(call), pass_on);
}

static const struct param scenes_result[] = {
    {"scenes", "name and time of each", PARAM_LIST, PARAM_OBJECT, .required = true}, {0}};

static void list_scenes(struct tool_call *call)
{
    tool_command(call, "napari.scene.list", NULL, pass_on);
}

static void get_scene(struct tool_call *call)
{
    tool_command(call, "napari.scene.get", NULL, pass_on);
}

const struct tool tool_read_scene = {
    .name = "resources/read", .params = none, .read_only = true, .run = get_scene};

const struct tool tools_look[] = {
    {.name = "init_viewer",
     .title = "What is served",
     .help = "Tells what the server shows and what this client may do. Nothing has to be started: "
             "the viewer runs.",
     .params = none,
     .result = served,
     .read_only = true,
     .idempotent = true,
     .run = init_viewer},
    {.name = "detect_viewers",
     .title = "Who is watching",
     .help = "Lists the connected viewers and the picture streams they get.",
     .params = none,
     .result = viewers,
     .read_only = true,
     .idempotent = true,
     .run = detect_viewers},
    {.name = "session_information",
     .title = "Session information",
     .help = "Role and limits of this client, the shared view (dims, camera, canvas), renderer and "
             "encoder.",
     .params = none,
     .result = session,
     .read_only = true,
     .idempotent = true,
     .run = session_information},
    {.name = "list_layers",
     .title = "List layers",
     .help = "All layers with shape, dtype, scale and display controls, bottom first.",
     .params = none,
     .result = layer_list,
     .read_only = true,
     .idempotent = true,
     .run = list_layers},
    {.name = "probe",
     .title = "Read values",
     .help = "The data value of every visible layer at a position.",
     .params = probe_params,
     .result = probe_result,
     .read_only = true,
     .idempotent = true,
     .slow = true,
     .run = probe},
    {.name = "layer_range",
     .title = "Range and histogram",
     .help = "Smallest and largest value of a layer, a histogram, and limits for good contrast.",
     .params = layer_params,
     .result = range_result,
     .read_only = true,
     .idempotent = true,
     .slow = true,
     .object = "layer",
     .run = layer_range},
    {.name = "screenshot",
     .title = "Screenshot",
     .help = "The shared view as a PNG, complete and in full quality.",
     .params = screenshot_params,
     .result = screenshot_result,
     .read_only = true,
     .idempotent = true,
     .slow = true,
     .run = screenshot},
    {.name = "list_directory",
     .title = "List a folder",
     .help = "Folders and files that may be opened, within the server's data root.",
     .params = directory_params,
     .result = directory_result,
     .read_only = true,
     .idempotent = true,
     .slow = true,
     .object = "path",
     .run = list_directory},
    {.name = "list_scenes",
     .title = "List saved scenes",
     .help = "Scenes that save_scene has written.",
     .params = none,
     .result = scenes_result,
     .read_only = true,
     .idempotent = true,
     .run = list_scenes},
    {.name = "get_scene",
     .title = "The scene as a file",
     .help = "The whole scene as a scene file: sources, controls, dims, camera.",
     .params = none,
     .read_only = true,
     .idempotent = true,
     .run = get_scene},
    {0}};
