/* SPDX-License-Identifier: BSD-3-Clause */
/* camera.*: the reference client's relative moves, on the one canonical camera. Pixels are those of
 * the picture; anchors count from its lower left corner, deltas from the pointer (y down). */
#include <math.h>
#include <string.h>

#include "scene/json.h"
#include "scene/reduce_internal.h"
#include "scene/rotation.h"

static const cJSON *item(const struct scene_request *request, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(request->value, key);
}

static void finish(struct reduction *out, const char *id, uint32_t ndisplay,
                   const struct oriel_camera *camera, cJSON *applied)
{
    const char *key = scene_pose_key(ndisplay);
    struct oriel_camera pose = *camera;
    if (!reduce_pose_ok(&pose)) {
        cJSON_Delete(applied);
        reduce_reject(out, "state.invalid", "the camera cannot go there");
        return;
    }
    record_put(out->writes, "camera", id, key, scene_pose_json(&pose));
    reduce_accept(out, "camera", id, key, applied);
}

static void reduce_zoom(const struct scene_view *view, const struct scene_request *request,
                        struct reduction *out)
{
    double factor, anchor[2];
    if (!json_number(item(request, "factor"), &factor) || !(factor > 0) ||
        json_numbers(item(request, "anchor_px"), anchor, 2, 2) != 2) {
        reduce_reject(out, "state.invalid", "camera.zoom needs factor > 0 and anchor_px [x, y]");
        return;
    }
    struct oriel_camera camera = view->camera;
    if (view->ndisplay == 2) { /* the point under the anchor stays */
        double px = anchor[0], py = view->height - anchor[1], fixed[3], moved[3];
        camera_unproject(&camera, 2, view->width, view->height, px, py, fixed);
        camera.zoom /= factor;
        camera_unproject(&camera, 2, view->width, view->height, px, py, moved);
        camera.center[0] += fixed[0] - moved[0];
        camera.center[1] += fixed[1] - moved[1];
    } else {
        camera.zoom /= factor;
    }
    cJSON *applied = cJSON_CreateObject();
    json_put_number(applied, "factor", factor);
    json_put_numbers(applied, "anchor_px", anchor, 2);
    finish(out, view->id, view->ndisplay, &camera, applied);
}

static void reduce_pan(const struct scene_view *view, const struct scene_request *request,
                       struct reduction *out)
{
    double dx, dy;
    if (!json_number(item(request, "dx_px"), &dx) || !json_number(item(request, "dy_px"), &dy)) {
        reduce_reject(out, "state.invalid", "camera.pan needs dx_px and dy_px");
        return;
    }
    cJSON *applied = cJSON_CreateObject();
    json_put_number(applied, "dx_px", dx);
    json_put_number(applied, "dy_px", dy);
    if (dx == 0 && dy == 0) {
        reduce_accept(out, "camera", view->id, scene_pose_key(view->ndisplay), applied);
        return;
    }
    struct oriel_camera camera = view->camera;
    double world[3];
    camera_unproject(&view->camera, view->ndisplay, view->width, view->height,
                     view->width / 2.0 - dx, view->height / 2.0 - dy, world);
    memcpy(camera.center, world, sizeof world);
    finish(out, view->id, view->ndisplay, &camera, applied);
}

static void reduce_orbit(const struct scene_view *view, const struct scene_request *request,
                         struct reduction *out)
{
    double az, el;
    if (!json_number(item(request, "d_az_deg"), &az) ||
        !json_number(item(request, "d_el_deg"), &el)) {
        reduce_reject(out, "state.invalid", "camera.orbit needs d_az_deg and d_el_deg");
        return;
    }
    if (view->ndisplay == 2) {
        reduce_reject(out, "state.invalid", "camera.orbit needs view.ndisplay 3");
        return;
    }
    struct camera_turntable turntable;
    camera_to_turntable(&view->camera, view->height, &turntable);
    turntable.azimuth = wrap_degrees(turntable.azimuth + az);
    turntable.elevation = fmin(90, fmax(-90, turntable.elevation + el));
    struct oriel_camera camera;
    camera_from_turntable(&turntable, view->height, &camera);
    cJSON *applied = cJSON_CreateObject();
    json_put_number(applied, "d_az_deg", az);
    json_put_number(applied, "d_el_deg", el);
    finish(out, view->id, 3, &camera, applied);
}

/* Frames the data again; the orientation stays, as in the reference. */
static void reduce_reset(const struct scene *scene, const struct scene_view *view,
                         const struct scene_request *request, struct reduction *out)
{
    const cJSON *given = item(request, "reason");
    const char *reason = json_string(given ? given : request->value);
    struct camera_extent extent;
    scene_extent(scene, view, &extent);
    struct oriel_camera camera = view->camera;
    camera_fit(&camera, view->ndisplay, view->width, view->height, &extent);
    cJSON *applied = cJSON_CreateObject();
    json_put_string(applied, "reason", reason ? reason : "state.update");
    finish(out, view->id, view->ndisplay, &camera, applied);
}

static bool set_plane(const struct scene_view *view, const struct scene_request *request,
                      struct oriel_camera *camera, cJSON *applied)
{
    double v[4];
    bool any = false;
    if (json_numbers(item(request, "rect"), v, 4, 4) == 4 && v[2] > 0 && v[3] > 0) {
        camera->center[0] = v[0] + v[2] / 2;
        camera->center[1] = v[1] + v[3] / 2;
        camera->zoom = fmin(view->width / v[2], view->height / v[3]);
        json_put_numbers(applied, "rect", v, 4);
        any = true;
    }
    int n = json_numbers(item(request, "center"), v, 2, 4);
    if (n >= 2) {
        camera->center[0] = v[0];
        camera->center[1] = v[1];
        json_put_numbers(applied, "center", v, 2);
        any = true;
    }
    if (json_number(item(request, "zoom"), &v[0]) && v[0] > 0) {
        camera->zoom = v[0];
        json_put_number(applied, "zoom", v[0]);
        any = true;
    }
    return any;
}

static bool set_volume(const struct scene_view *view, const struct scene_request *request,
                       struct oriel_camera *camera, cJSON *applied)
{
    double v[3];
    bool any = false;
    struct camera_turntable turntable;
    camera_to_turntable(camera, view->height, &turntable);
    if (json_numbers(item(request, "center"), v, 3, 3) == 3) {
        memcpy(turntable.center, v, sizeof v);
        json_put_numbers(applied, "center", v, 3);
        any = true;
    }
    v[2] = turntable.roll;
    int n = json_numbers(item(request, "angles"), v, 2, 3);
    if (n >= 2) {
        turntable.azimuth = wrap_degrees(v[0]);
        turntable.elevation = fmin(90, fmax(-90, v[1]));
        turntable.roll = wrap_degrees(v[2]);
        json_put_numbers(applied, "angles",
                         (double[]){turntable.azimuth, turntable.elevation, turntable.roll}, 3);
        any = true;
    }
    if (json_number(item(request, "fov"), &v[0]) && v[0] >= 0 && v[0] < 180) {
        turntable.fov = fmin(v[0], 179);
        json_put_number(applied, "fov", turntable.fov);
        any = true;
    }
    bool distance = json_number(item(request, "distance"), &v[0]) && v[0] > 0;
    if (distance) {
        turntable.distance = v[0];
        json_put_number(applied, "distance", v[0]);
        any = true;
    }
    camera_from_turntable(&turntable, view->height, camera);
    if (!distance && json_number(item(request, "zoom"), &v[0]) && v[0] > 0) {
        camera->zoom = v[0];
        json_put_number(applied, "zoom", v[0]);
        any = true;
    }
    return any;
}

static void reduce_set(const struct scene *scene, const struct scene_view *view,
                       const struct scene_request *request, struct reduction *out)
{
    double angles[4];
    bool volume = view->ndisplay == 3 || json_numbers(item(request, "angles"), angles, 2, 4) >= 2;
    struct oriel_camera camera = view->camera;
    if (volume && view->ndisplay == 2 && !scene_pose_read(scene, view->id, 3, &camera))
        scene_home(scene, view, 3, &camera);
    cJSON *applied = cJSON_CreateObject();
    if (volume ? set_volume(view, request, &camera, applied)
               : set_plane(view, request, &camera, applied)) {
        finish(out, view->id, volume ? 3 : 2, &camera, applied);
        return;
    }
    cJSON_Delete(applied);
    reduce_reject(out, "state.invalid",
                  "camera.set needs one of center, zoom, rect (2-D), angles, distance, fov (3-D)");
}

void reduce_camera(const struct scene *scene, const struct scene_request *request,
                   struct reduction *out)
{
    struct scene_view view;
    scene_view_read(scene, request->view, &view);
    const char *key = request->key;
    if (request->target[0] && strcmp(request->target, "main") != 0 &&
        strcmp(request->target, request->view) != 0)
        reduce_reject(out, "state.invalid", "unsupported camera target %.60s", request->target);
    else if (strcmp(key, "zoom") == 0)
        reduce_zoom(&view, request, out);
    else if (strcmp(key, "pan") == 0)
        reduce_pan(&view, request, out);
    else if (strcmp(key, "orbit") == 0)
        reduce_orbit(&view, request, out);
    else if (strcmp(key, "reset") == 0)
        reduce_reset(scene, &view, request, out);
    else if (strcmp(key, "set") == 0)
        reduce_set(scene, &view, request, out);
    else
        reduce_unsupported(request, out);
}
