/* SPDX-License-Identifier: BSD-3-Clause */
/* view.*: ndisplay, pose, canvas, order, reset, background, play. */
#include <math.h>
#include <string.h>

#include "scene/json.h"
#include "scene/reduce_internal.h"

static void put_pose(const struct scene_request *request, struct reduction *out, uint32_t ndisplay,
                     const struct oriel_camera *camera)
{
    record_put(out->writes, "camera", request->view, scene_pose_key(ndisplay),
               scene_pose_json(camera));
}

/* The view as the requester sees it: a home fits its own canvas, not what others need besides. */
static void read_own_view(const struct scene *scene, const struct scene_request *request,
                          struct scene_view *view)
{
    scene_view_read(scene, request->view, view);
    if (request->own_canvas[0]) {
        view->width = request->own_canvas[0];
        view->height = request->own_canvas[1];
    }
}

static void reduce_ndisplay(const struct scene *scene, const struct scene_request *request,
                            struct reduction *out)
{
    int64_t value = 2;
    if (request->value && !cJSON_IsNull(request->value) && !json_integer(request->value, &value)) {
        reduce_reject(out, "state.invalid", "view.ndisplay must be 2 or 3");
        return;
    }
    uint32_t ndisplay = value >= 3 ? 3 : 2;
    if (ndisplay > scene->ndim) {
        reduce_reject(out, "state.error", "3-D needs three axes; this data has %u", scene->ndim);
        return;
    }
    struct oriel_camera camera;
    if (!scene_pose_read(scene, request->view, ndisplay, &camera)) {
        struct scene_view view;
        read_own_view(scene, request, &view);
        scene_home(scene, &view, ndisplay, &camera);
        put_pose(request, out, ndisplay, &camera);
    }
    reduce_write(out, "view", request->view, "ndisplay", cJSON_CreateNumber(ndisplay));
}

bool reduce_pose_ok(struct oriel_camera *camera)
{
    double norm = 0;
    for (int i = 0; i < 4; i++)
        norm += camera->quat[i] * camera->quat[i];
    norm = sqrt(norm);
    if (!(camera->zoom > 0) || !(norm > 1e-6) || camera->fov < 0 || camera->fov > 179)
        return false;
    camera->zoom = fmin(fmax(camera->zoom, 1e-12), 1e12);
    for (int i = 0; i < 4; i++)
        camera->quat[i] /= norm;
    for (int i = 0; i < 3; i++) {
        if (fabs(camera->center[i]) > 1e15)
            return false;
    }
    return true;
}

static void reduce_pose(const struct scene *scene, const struct scene_request *request,
                        struct reduction *out)
{
    const cJSON *value = request->value;
    struct scene_view view;
    scene_view_read(scene, request->view, &view);
    struct oriel_camera camera = view.camera;
    int64_t rev = 0, ndisplay;
    const cJSON *fov = cJSON_GetObjectItemCaseSensitive(value, "fov");
    const cJSON *quat = cJSON_GetObjectItemCaseSensitive(value, "quat");
    bool ok =
        json_integer(cJSON_GetObjectItemCaseSensitive(value, "rev"), &rev) && rev >= 0 &&
        json_integer(cJSON_GetObjectItemCaseSensitive(value, "ndisplay"), &ndisplay) &&
        json_numbers(cJSON_GetObjectItemCaseSensitive(value, "center"), camera.center, 3, 3) == 3 &&
        json_number(cJSON_GetObjectItemCaseSensitive(value, "zoom"), &camera.zoom) &&
        (!quat || json_numbers(quat, camera.quat, 4, 4) == 4) &&
        (!fov || json_number(fov, &camera.fov));
    if (!ok || !reduce_pose_ok(&camera)) {
        reduce_reject(
            out, "state.invalid",
            "view.pose needs rev, ndisplay, center [x, y, z], zoom > 0, and may have quat "
            "[w, x, y, z] and fov 0..179");
        return;
    }
    out->rev = (uint64_t)rev;
    out->stale = ndisplay != view.ndisplay;
    if (!out->stale)
        put_pose(request, out, view.ndisplay, &camera);
    reduce_accept(out, "camera", request->view, scene_pose_key(view.ndisplay),
                  cJSON_CreateNumber((double)rev));
}

static void reduce_canvas(const struct scene_request *request, struct reduction *out)
{
    double size[2];
    const cJSON *value = request->value;
    if (json_numbers(cJSON_GetObjectItemCaseSensitive(value, "size"), size, 2, 2) != 2) {
        reduce_reject(out, "state.invalid", "view.canvas needs {\"size\": [width, height]}");
        return;
    }
    int64_t own[2], shared[2];
    for (int i = 0; i < 2; i++) {
        double v = fmin(fmax(size[i], 16), (double)request->canvas_max);
        own[i] = (int64_t)v / 2 * 2;
        out->canvas[i] = (uint32_t)own[i];
        shared[i] = own[i] > request->other_canvas[i] ? own[i] : request->other_canvas[i];
    }
    record_put(out->writes, "view", request->view, "canvas", json_from_integers(shared, 2));
    cJSON *applied = cJSON_CreateObject();
    json_put(applied, "size", json_from_integers(own, 2));
    reduce_accept(out, "view", request->view, "canvas", applied);
}

static void reduce_order(const struct scene *scene, const struct scene_request *request,
                         struct reduction *out)
{
    double v[ORIEL_MAX_AXES];
    int n = json_numbers(request->value, v, 0, ORIEL_MAX_AXES);
    uint32_t seen = 0;
    for (int i = 0; i < n; i++) {
        if (v[i] != floor(v[i]) || v[i] < 0 || v[i] >= scene->ndim)
            n = -1;
        else
            seen |= 1u << (unsigned)v[i];
    }
    if (n != (int)scene->ndim || seen != (1u << scene->ndim) - 1) {
        reduce_reject(out, "state.invalid", "view.order must be a permutation of 0..%u",
                      scene->ndim - 1);
        return;
    }
    struct scene_view view;
    read_own_view(scene, request, &view);
    bool shown_changes = false;
    int64_t order[ORIEL_MAX_AXES];
    for (uint32_t i = 0; i < scene->ndim; i++) {
        order[i] = (int64_t)v[i];
        if (i >= scene->ndim - view.ndisplay && view.order[i] != (uint32_t)v[i])
            shown_changes = true;
        view.order[i] = (uint32_t)v[i];
    }
    if (shown_changes) { /* other axes: napari goes home */
        struct oriel_camera home;
        scene_home(scene, &view, view.ndisplay, &home);
        put_pose(request, out, view.ndisplay, &home);
        record_put(out->writes, "camera", request->view, scene_pose_key(5 - view.ndisplay), NULL);
    }
    reduce_write(out, "view", request->view, "order", json_from_integers(order, scene->ndim));
}

static void reduce_reset(const struct scene *scene, const struct scene_request *request,
                         struct reduction *out)
{
    struct scene_view view;
    read_own_view(scene, request, &view);
    struct oriel_camera home;
    scene_home(scene, &view, view.ndisplay, &home);
    home.fov = view.camera.fov;
    put_pose(request, out, view.ndisplay, &home);
    reduce_accept(out, "camera", request->view, scene_pose_key(view.ndisplay),
                  cJSON_CreateObject());
}

static void reduce_background(const struct scene_request *request, struct reduction *out)
{
    double rgba[4] = {0, 0, 0, 1};
    bool ok = json_numbers(request->value, rgba, 3, 4) > 0;
    for (int i = 0; i < 4; i++)
        ok = ok && rgba[i] >= 0 && rgba[i] <= 1;
    if (!ok) {
        reduce_reject(out, "state.invalid",
                      "view.background must be [r, g, b] or [r, g, b, a], 0..1");
        return;
    }
    reduce_write(out, "view", request->view, "background", cJSON_CreateDoubleArray(rgba, 4));
}

static void reduce_play(const struct scene *scene, const struct scene_request *request,
                        struct reduction *out)
{
    const cJSON *value = request->value;
    if (!value || cJSON_IsNull(value)) {
        record_put(out->writes, "view", request->view, "play", cJSON_CreateNull());
        reduce_accept(out, "view", request->view, "play", cJSON_CreateNull());
        return;
    }
    const char *target = json_string(cJSON_GetObjectItemCaseSensitive(value, "axis"));
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(value, "mode");
    const cJSON *rate = cJSON_GetObjectItemCaseSensitive(value, "fps");
    const char *name = mode ? json_string(mode) : "loop";
    double fps = 10;
    int axis = target ? scene_axis_find(scene, target) : -1;
    bool known = name && (strcmp(name, "loop") == 0 || strcmp(name, "once") == 0 ||
                          strcmp(name, "back") == 0);
    if (axis < 0 || !known || (rate && !json_number(rate, &fps)) || fps == 0 || fabs(fps) > 500) {
        reduce_reject(
            out, "state.invalid",
            "view.play needs null, or axis (a name), fps (up to 500, below 0 backwards) and "
            "mode loop, once or back");
        return;
    }
    if (scene->axes[axis].size < 2) {
        reduce_reject(out, "state.error", "axis \"%s\" has one step only", target);
        return;
    }
    cJSON *play = cJSON_CreateObject();
    json_put_string(play, "axis", target);
    json_put_number(play, "fps", fps);
    json_put_string(play, "mode", name);
    reduce_write(out, "view", request->view, "play", play);
}

void reduce_view(const struct scene *scene, const struct scene_request *request,
                 struct reduction *out)
{
    const char *key = request->key;
    if (strcmp(key, "ndisplay") == 0)
        reduce_ndisplay(scene, request, out);
    else if (strcmp(key, "pose") == 0)
        reduce_pose(scene, request, out);
    else if (strcmp(key, "canvas") == 0)
        reduce_canvas(request, out);
    else if (strcmp(key, "order") == 0)
        reduce_order(scene, request, out);
    else if (strcmp(key, "reset") == 0)
        reduce_reset(scene, request, out);
    else if (strcmp(key, "background") == 0)
        reduce_background(request, out);
    else if (strcmp(key, "play") == 0)
        reduce_play(scene, request, out);
    else
        reduce_unsupported(request, out);
}
