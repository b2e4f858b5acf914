/* SPDX-License-Identifier: BSD-3-Clause */
/* What the requests do to the camera and to the layers; which of them are accepted is
 * tests/control's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_dataset.h"
#include "scene/json.h"
#include "scene/layers.h"
#include "scene/reduce.h"
#include "scene/spec.h"

static struct scene *make(const char *uri)
{
    struct scene *scene = scene_create(640, 480);
    struct layers_options options = {.max_channels = 16, .level = -1};
    struct error err;
    struct dataset *dataset = dataset_open(NULL, uri, &err);
    struct scene_layer **layers;
    size_t count;
    assert_true(layers_from_dataset(dataset, &options, &layers, &count, &err));
    dataset_unref(dataset);
    scene_add(scene, layers, count, NULL);
    free(layers);
    return scene;
}

/* Reduces and commits; the view afterwards. */
static void apply(struct scene *scene, const char *scope, const char *target, const char *key,
                  const char *value, struct scene_view *view)
{
    cJSON *json = cJSON_Parse(value);
    struct scene_request request = {
        .scope = scope, .target = target, .key = key, .value = json, .canvas_max = 4096};
    struct reduction result;
    uint64_t before = record_revision(scene->record);
    scene_reduce(scene, &request, &result);
    assert_int_equal(record_revision(scene->record), before); /* pure */
    if (!result.accepted)
        fail_msg("%s.%s: %s", scope, key, result.message);
    record_commit(scene->record, result.writes, NULL);
    assert_in_range(record_revision(scene->record), before, before + 1); /* atomic */
    result.writes = NULL;
    reduction_finish(&result);
    cJSON_Delete(json);
    scene_view_read(scene, SCENE_MAIN, view);
}

static void test_plane_moves(void **state)
{
    (void)state;
    struct scene *scene = make("mem:yx:480,640:u8");
    struct scene_view view, before;
    scene_view_read(scene, SCENE_MAIN, &before);
    double fixed[3], now[3];
    /* The anchor counts from below: 100 up is row 380. */
    camera_unproject(&before.camera, 2, 640, 480, 50, 380, fixed);
    apply(scene, "camera", "main", "zoom", "{\"factor\":2,\"anchor_px\":[50,100]}", &view);
    assert_true(fabs(view.camera.zoom - before.camera.zoom / 2) < 1e-12); /* > 1 is out */
    camera_unproject(&view.camera, 2, 640, 480, 50, 380, now);
    assert_true(fabs(now[0] - fixed[0]) < 1e-9 && fabs(now[1] - fixed[1]) < 1e-9);
    before = view;
    apply(scene, "camera", "", "pan", "{\"dx_px\":10,\"dy_px\":20}", &view);
    assert_true(fabs(view.camera.center[0] - (before.camera.center[0] - 10 / view.camera.zoom)) <
                1e-9);
    assert_true(fabs(view.camera.center[1] - (before.camera.center[1] - 20 / view.camera.zoom)) <
                1e-9);
    apply(scene, "camera", "", "set", "{\"rect\":[0,0,64,48]}", &view);
    assert_true(view.camera.zoom == 10 && view.camera.center[0] == 32 &&
                view.camera.center[1] == 24);
    cJSON *pose = spec_camera(scene, SCENE_MAIN);
    double rect[4];
    json_numbers(cJSON_GetObjectItem(pose, "rect"), rect, 4, 4);
    assert_true(fabs(rect[0]) < 1e-9 && fabs(rect[1]) < 1e-9 && fabs(rect[2] - 64) < 1e-9 &&
                fabs(rect[3] - 48) < 1e-9);
    cJSON_Delete(pose);
    apply(scene, "view", "main", "canvas", "{\"size\":[801,601]}", &view);
    assert_true(view.width == 800 && view.height == 600 && view.camera.zoom == 10);
    apply(scene, "view", "main", "reset", "{}", &view);
    assert_true(fabs(view.camera.zoom - 0.95 * 800 / 640) < 1e-12);
    scene_destroy(scene);
}

static void test_volume_moves(void **state)
{
    (void)state;
    struct scene *scene = make("mem:zyx:20,30,40:u8");
    struct scene_view view, before;
    struct camera_turntable t;
    apply(scene, "view", "main", "ndisplay", "3", &view);
    assert_true(view.camera.center[2] == 9.5 && fabs(view.camera.quat[0]) == 1);
    apply(scene, "camera", "", "set", "{\"angles\":[30,40],\"fov\":60}", &view);
    apply(scene, "camera", "", "orbit", "{\"d_az_deg\":170,\"d_el_deg\":80}", &view);
    camera_to_turntable(&view.camera, view.height, &t);
    assert_true(fabs(fabs(t.elevation) - 90) < 1e-6);
    apply(scene, "camera", "", "set", "{\"angles\":[-160,30,10]}", &view);
    camera_to_turntable(&view.camera, view.height, &t);
    assert_true(fabs(t.azimuth + 160) < 1e-9 && fabs(t.elevation - 30) < 1e-9 &&
                fabs(t.roll - 10) < 1e-9);
    double distance = t.distance;
    apply(scene, "camera", "", "zoom", "{\"factor\":1.5,\"anchor_px\":[0,0]}", &view);
    camera_to_turntable(&view.camera, view.height, &t);
    assert_true(fabs(t.distance - 1.5 * distance) < 1e-9);
    before = view;
    apply(scene, "camera", "", "pan", "{\"dx_px\":64,\"dy_px\":0}", &view);
    /* What was in the middle is now 64 pixels to the right. */
    double m[16], clip[4], *c = before.camera.center;
    camera_matrix(&view.camera, 3, 640, 480, m);
    for (int i = 0; i < 4; i++)
        clip[i] = m[i] * c[0] + m[4 + i] * c[1] + m[8 + i] * c[2] + m[12 + i];
    assert_true(fabs(clip[0] / clip[3] * 320 - 64) < 1e-9 && fabs(clip[1] / clip[3]) < 1e-9);
    apply(scene, "camera", "", "reset", "{}", &view);
    camera_to_turntable(&view.camera, view.height, &t);
    assert_true(view.camera.center[0] == 19.5 && fabs(t.azimuth + 160) < 1e-9);
    /* Each ndisplay keeps its own pose. */
    before = view;
    apply(scene, "view", "main", "ndisplay", "2", &view);
    assert_true(view.camera.quat[0] == 1);
    apply(scene, "view", "main", "ndisplay", "3", &view);
    assert_memory_equal(&view.camera, &before.camera, sizeof view.camera);
    scene_destroy(scene);
}

static void test_order(void **state)
{
    (void)state;
    struct scene *scene = make("mem:tzyx:5,20,30,40:u8");
    struct scene_view view;
    apply(scene, "view", "main", "order", "[0,3,1,2]", &view);
    assert_true(view.camera.center[0] == 14.5 && view.camera.center[1] == 9.5);
    struct camera_extent extent;
    scene_extent(scene, &view, &extent);
    assert_true(extent.max[0] == 29.5 && extent.max[1] == 19.5 && extent.max[2] == 0);
    scene_destroy(scene);
}

static void test_limits_and_range(void **state)
{
    (void)state;
    struct scene *scene = make("mem:yx:30,40:u8");
    struct scene_view view;
    double v[2];
    apply(scene, "layer", "layer-0", "contrast_limits", "[-10,300]", &view);
    json_numbers(record_value(scene->record, "layer", "layer-0", "contrast_limits_range"), v, 2, 2);
    assert_true(v[0] == -10 && v[1] == 300);
    apply(scene, "layer", "layer-0", "contrast_limits_range", "[0,100]", &view);
    json_numbers(record_value(scene->record, "layer", "layer-0", "contrast_limits"), v, 2, 2);
    assert_true(v[0] == 0 && v[1] == 100);
    assert_non_null(record_value(scene->record, "volume", "main", "contrast_limits"));
    scene_destroy(scene);
}

static void test_volume_scope_reaches_layers(void **state)
{
    (void)state;
    struct scene *scene = make("mem:czyx:2,9,9,9:u8");
    struct scene_view view;
    apply(scene, "volume", "main", "render_mode", "\"iso\"", &view);
    for (int i = 0; i < 2; i++)
        assert_string_equal(
            record_value(scene->record, "layer", scene->layers[i]->id, "rendering")->valuestring,
            "iso");
    apply(scene, "volume", "main", "sample_step", "2", &view);
    struct scene_snapshot *snapshot = scene_snapshot_create(scene, SCENE_MAIN);
    assert_true(snapshot->sample_step == 2);
    scene_snapshot_unref(snapshot);
    scene_destroy(scene);
}

static void test_flat_data_stay_flat(void **state)
{
    (void)state;
    struct scene *scene = make("mem:yx:9,9:u8");
    cJSON *three = cJSON_CreateNumber(3);
    struct scene_request request = {
        .scope = "view", .target = "main", .key = "ndisplay", .value = three, .canvas_max = 4096};
    struct reduction result;
    scene_reduce(scene, &request, &result);
    assert_false(result.accepted);
    assert_string_equal(result.code, "state.error");
    assert_string_equal(result.message, "3-D needs three axes; this data has 2");
    reduction_finish(&result);
    cJSON_Delete(three);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plane_moves),
        cmocka_unit_test(test_volume_moves),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_limits_and_range),
        cmocka_unit_test(test_volume_scope_reaches_layers),
        cmocka_unit_test(test_flat_data_stay_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
