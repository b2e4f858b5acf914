/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/reduce.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scene/json.h"
#include "scene/reduce_internal.h"

void reduce_reject(struct reduction *out, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->message, sizeof out->message, format, args);
    va_end(args);
    out->code = code;
    out->accepted = false;
}

void reduce_unsupported(const struct scene_request *request, struct reduction *out)
{
    reduce_reject(out, "state.invalid", "unsupported %.40s key %.60s", request->scope,
                  request->key);
}

void reduce_accept(struct reduction *out, const char *scope, const char *target, const char *key,
                   cJSON *applied)
{
    out->accepted = true;
    out->scope = scope;
    out->key = key;
    snprintf(out->target, sizeof out->target, "%s", target);
    out->applied = applied;
}

void reduce_write(struct reduction *out, const char *scope, const char *target, const char *key,
                  cJSON *value)
{
    record_put(out->writes, scope, target, key, cJSON_Duplicate(value, true));
    reduce_accept(out, scope, target, key, value);
}

void scene_reduce(const struct scene *scene, const struct scene_request *from,
                  struct reduction *out)
{
    static const struct {
        const char *scope;
        void (*reduce)(const struct scene *, const struct scene_request *, struct reduction *);
    } scopes[] = {{"view", reduce_view},     {"dims", reduce_dims},
                  {"camera", reduce_camera}, {"layer", reduce_layer},
                  {"volume", reduce_volume}, {"multiscale", reduce_multiscale}};
    *out = (struct reduction){.writes = record_batch_create()};
    struct scene_request copy = *from;
    const struct scene_request *request = &copy;
    if (!copy.view)
        copy.view = SCENE_MAIN;
    if (!request->scope[0] || !request->key[0]) {
        reduce_reject(out, "state.invalid", "scope/key required");
        return;
    }
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (strcmp(request->scope, scopes[i].scope) == 0) {
            scopes[i].reduce(scene, request, out);
            return;
        }
    }
    reduce_unsupported(request, out);
}

void reduction_finish(struct reduction *reduction)
{
    record_batch_destroy(reduction->writes);
    cJSON_Delete(reduction->applied);
    reduction->writes = NULL;
    reduction->applied = NULL;
}
