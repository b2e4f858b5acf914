/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

static const struct tool *const groups[] = {tools_look, tools_view, tools_layer, tools_data};

/* NULL past the end. */
static const struct tool *tool_at(size_t index)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        for (const struct tool *tool = groups[g]; tool->name; tool++) {
            if (index-- == 0)
                return tool;
        }
    }
    return NULL;
}

const struct tool *tool_find(const char *name)
{
    const struct tool *tool;
    for (size_t i = 0; (tool = tool_at(i)); i++) {
        if (strcmp(tool->name, name) == 0)
            return tool;
    }
    return NULL;
}

static cJSON *describe(const struct tool *tool)
{
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "name", tool->name);
    json_put_string(out, "title", tool->title);
    json_put_string(out, "description", tool->help);
    json_put(out, "inputSchema", params_schema(tool->params, tool->least_params, true));
    if (tool->result)
        json_put(out, "outputSchema", params_schema(tool->result, 0, false));
    cJSON *hints = json_put(out, "annotations", cJSON_CreateObject());
    json_put_string(hints, "title", tool->title);
    json_put_bool(hints, "readOnlyHint", tool->read_only);
    json_put_bool(hints, "destructiveHint", tool->destructive);
    json_put_bool(hints, "idempotentHint", tool->idempotent);
    json_put_bool(hints, "openWorldHint", false);
    return out;
}

cJSON *tool_list(enum access_role role)
{
    cJSON *list = cJSON_CreateArray();
    const struct tool *tool;
    for (size_t i = 0; (tool = tool_at(i)); i++) {
        if (tool->read_only || role == ROLE_EDITOR)
            cJSON_AddItemToArray(list, describe(tool));
    }
    return list;
}
