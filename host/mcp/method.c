/* SPDX-License-Identifier: BSD-3-Clause */
/* The methods: what a client may ask of an MCP server. */
#include <stdio.h>
#include <string.h>

#include "mcp/room.h"
#include "scene/json.h"

#define SCENE_URI "oriel://scene"
#define LIST_FRESH_MS 3600000 /* tools and resources change with the program only */

static const char instructions[] =
    "Oriel shows n-dimensional scientific images. There is one scene: what these tools change, "
    "every connected viewer sees. Begin with init_viewer and list_layers; screenshot shows what is "
    "there; probe and layer_range read data values. Indices are of the finest level; positions are "
    "world units, as (x, y, z) of the displayed axes unless a tool says otherwise.";

static const cJSON *param(const cJSON *message, const char *name)
{
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
    return cJSON_GetObjectItemCaseSensitive(params, name);
}

static const cJSON *id_of(const cJSON *message)
{
    return cJSON_GetObjectItemCaseSensitive(message, "id");
}

void client_name(const cJSON *info, char name[MCP_NAME_BYTES])
{
    const char *who = json_string(cJSON_GetObjectItemCaseSensitive(info, "name"));
    const char *version = json_string(cJSON_GetObjectItemCaseSensitive(info, "version"));
    snprintf(name, MCP_NAME_BYTES, "%s%s%s", who ? who : "", who && version ? " " : "",
             who && version ? version : "");
    text_unquote(name);
}

/* --- who is there --- */

static void put_server(cJSON *result)
{
    cJSON *capabilities = json_put(result, "capabilities", cJSON_CreateObject());
    json_put(capabilities, "tools", cJSON_CreateObject());
    json_put(capabilities, "resources", cJSON_CreateObject());
    json_put_string(result, "instructions", instructions);
}

void method_initialize(struct exchange *exchange, const cJSON *message)
{
    const cJSON *asked = param(message, "protocolVersion"), *info = param(message, "clientInfo");
    char client[MCP_NAME_BYTES];
    client_name(info, client);
    if (!cJSON_IsString(asked) || !cJSON_IsObject(param(message, "capabilities")) || !*client) {
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL,
                       "initialize needs protocolVersion, capabilities and clientInfo with a name");
        return;
    }
    const char *version = version_find(asked->valuestring);
    if (!version || strcmp(version, MCP_MODERN) == 0)
        version = MCP_LEGACY;
    if (!mcp_session_open(exchange, version, client)) {
        exchange_status(exchange, 503);
        exchange_error(exchange, id_of(message), RPC_INVALID, NULL,
                       "there are too many sessions at work (mcp.sessions)");
        return;
    }
    cJSON *result = cJSON_CreateObject();
    json_put_string(result, "protocolVersion", version);
    put_server(result);
    cJSON *server = json_put(result, "serverInfo", cJSON_CreateObject());
    json_put_string(server, "name", "oriel");
    json_put_string(server, "title", "Oriel");
    json_put_string(server, "version", ORIEL_VERSION);
    exchange_result(exchange, id_of(message), result);
}

static void ping(struct exchange *exchange, const cJSON *message)
{
    exchange_result(exchange, id_of(message), cJSON_CreateObject());
}

/* What may be kept for a while, by clients and not by what stands between. */
static void put_freshness(const struct exchange *exchange, cJSON *result, double ms)
{
    if (!exchange->modern)
        return;
    json_put_number(result, "ttlMs", ms);
    json_put_string(result, "cacheScope", "private");
}

static void discover(struct exchange *exchange, const cJSON *message)
{
    cJSON *result = cJSON_CreateObject();
    json_put(result, "supportedVersions", version_names());
    put_server(result);
    put_freshness(exchange, result, LIST_FRESH_MS);
    exchange_result(exchange, id_of(message), result);
}

/* --- lists --- */

/* Lists come whole, so that no cursor was ever given out. */
static bool no_cursor(struct exchange *exchange, const cJSON *message)
{
    if (!param(message, "cursor"))
        return true;
    exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "cursor is not one of this server");
    return false;
}

static void answer_list(struct exchange *exchange, const cJSON *message, const char *name,
                        cJSON *list)
{
    cJSON *result = cJSON_CreateObject();
    json_put(result, name, list);
    put_freshness(exchange, result, LIST_FRESH_MS);
    exchange_result(exchange, id_of(message), result);
}

static void tools_list(struct exchange *exchange, const cJSON *message)
{
    if (no_cursor(exchange, message))
        answer_list(exchange, message, "tools", tool_list(exchange->role));
}

static void resources_list(struct exchange *exchange, const cJSON *message)
{
    if (!no_cursor(exchange, message))
        return;
    cJSON *list = cJSON_CreateArray(), *scene = cJSON_CreateObject();
    json_put_string(scene, "uri", SCENE_URI);
    json_put_string(scene, "name", "scene");
    json_put_string(scene, "title", "Scene");
    json_put_string(scene, "description",
                    "The scene as a file: layers with their sources and controls, dims, camera. "
                    "Saved as it is, `oriel serve --scene` opens it again.");
    json_put_string(scene, "mimeType", "application/json");
    cJSON_AddItemToArray(list, scene);
    answer_list(exchange, message, "resources", list);
}

static void templates_list(struct exchange *exchange, const cJSON *message)
{
    if (no_cursor(exchange, message))
        answer_list(exchange, message, "resourceTemplates", cJSON_CreateArray());
}

/* --- calls --- */

static void tools_call(struct exchange *exchange, const cJSON *message)
{
    const cJSON *name = param(message, "name"), *args = param(message, "arguments");
    const struct tool *tool = cJSON_IsString(name) ? tool_find(name->valuestring) : NULL;
    if (!cJSON_IsString(name))
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "name must be a tool's name");
    else if (!tool)
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "there is no tool \"%.60s\"",
                       name->valuestring);
    else if (args && !cJSON_IsObject(args))
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "arguments must be an object");
    else
        tool_call_begin(exchange, id_of(message), tool, args);
}

static void resources_read(struct exchange *exchange, const cJSON *message)
{
    const cJSON *uri = param(message, "uri");
    if (!cJSON_IsString(uri)) {
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "uri must be a string");
    } else if (strcmp(uri->valuestring, SCENE_URI) != 0) {
        cJSON *data = cJSON_CreateObject();
        json_put_string(data, "uri", uri->valuestring);
        exchange_error(exchange, id_of(message), exchange->modern ? RPC_PARAMS : RPC_NO_RESOURCE,
                       data, "there is no such resource; there is " SCENE_URI);
    } else {
        tool_call_begin(exchange, id_of(message), &tool_read_scene, NULL);
    }
}

enum era { BOTH, BEFORE, MODERN };

static const struct {
    const char *name;
    enum era era;
    void (*run)(struct exchange *exchange, const cJSON *message);
} methods[] = {
    {"ping", BEFORE, ping},
    {"server/discover", MODERN, discover},
    {"tools/list", BOTH, tools_list},
    {"tools/call", BOTH, tools_call},
    {"resources/list", BOTH, resources_list},
    {"resources/templates/list", BOTH, templates_list},
    {"resources/read", BOTH, resources_read},
};

void method_take(struct exchange *exchange, const cJSON *message)
{
    const char *name = cJSON_GetObjectItemCaseSensitive(message, "method")->valuestring;
    const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
    if (params && !cJSON_IsObject(params)) {
        exchange_error(exchange, id_of(message), RPC_PARAMS, NULL, "params must be an object");
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(name, methods[i].name) == 0 &&
            methods[i].era != (exchange->modern ? BEFORE : MODERN)) {
            methods[i].run(exchange, message);
            return;
        }
    }
    if (exchange->modern)
        exchange_status(exchange, 404);
    exchange_error(exchange, id_of(message), RPC_NO_METHOD, NULL, "there is no method \"%.60s\"",
                   name);
}
