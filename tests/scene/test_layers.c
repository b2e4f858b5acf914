/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers from datasets, their world, and the snapshot they make. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_dataset.h"
#include "render/range.h"
#include "scene/json.h"
#include "scene/layers.h"

static size_t add(struct scene *scene, const char *uri, const struct layers_options *given)
{
    struct layers_options options = {.max_channels = 16, .level = -1};
    struct error err;
    struct dataset *dataset = dataset_open(NULL, uri, &err);
    assert_non_null(dataset);
    struct scene_layer **layers;
    size_t count;
    if (!layers_from_dataset(dataset, given ? given : &options, &layers, &count, &err))
        fail_msg("%s", err.text);
    dataset_unref(dataset);
    scene_add(scene, layers, count, NULL);
    free(layers);
    return count;
}

static const char *text(const struct scene *scene, const char *id, const char *key)
{
    const cJSON *value = record_value(scene->record, "layer", id, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static void assert_limits(const struct scene *scene, const char *id, double low, double high)
{
    double v[2];
    assert_int_equal(
        json_numbers(record_value(scene->record, "layer", id, "contrast_limits"), v, 2, 2), 2);
    if (v[0] != low || v[1] != high)
        fail_msg("limits %g..%g", v[0], v[1]);
}

static void test_single_image(void **state)
{
    (void)state;
    struct scene *scene = scene_create(1280, 720);
    assert_int_equal(add(scene, "mem:zyx:11,128,96:u16:scale=2,0.5,0.5:levels=2", NULL), 1);
    assert_string_equal(scene->layers[0]->id, "layer-0");
    assert_string_equal(text(scene, "layer-0", "colormap"), "gray");
    assert_string_equal(text(scene, "layer-0", "blending"), "translucent");
    assert_string_equal(text(scene, "layer-0", "interpolation2d"), "nearest");
    assert_string_equal(text(scene, "layer-0", "interpolation3d"), "linear");
    /* The coarsest level holds 6 × 64 × 48 values; its last index is 5·2 + 63·2 + 47·2. */
    assert_limits(scene, "layer-0", 0, 230);
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    assert_int_equal(view.step[0], 5);
    assert_true(fabs(view.camera.zoom - 0.95 * 720 / 64) < 1e-9);
    assert_true(view.camera.center[0] == -0.25 + 24 && view.camera.center[1] == -0.25 + 32);
    assert_true(scene->layers[0]->levels[1].scale[1] == 2);
    assert_true(scene->layers[0]->levels[1].translate[1] == 0.5);
    scene_destroy(scene);
    assert_int_equal(fake_dataset_alive(), 0);
}

static void test_channels(void **state)
{
    (void)state;
    struct scene *scene = scene_create(640, 480);
    const char *uri =
        "mem:tcyx:3,3,40,60:u16:colors=0000ff,12ab34,ffffff:labels=dapi,gfp,dapi:window=5,900";
    assert_int_equal(add(scene, uri, NULL), 3);
    assert_int_equal(scene->ndim, 3);
    assert_string_equal(scene->axes[0].name, "t");
    assert_string_equal(text(scene, "layer-0", "name"), "dapi");
    assert_string_equal(text(scene, "layer-2", "name"), "dapi [1]");
    assert_string_equal(text(scene, "layer-0", "colormap"), "blue");
    assert_string_equal(text(scene, "layer-2", "colormap"), "gray");
    assert_true(cJSON_IsObject(record_value(scene->record, "layer", "layer-1", "colormap")));
    assert_string_equal(text(scene, "layer-1", "blending"), "additive");
    assert_limits(scene, "layer-1", 5, 900);
    assert_int_equal(scene->layers[1]->binding.layer_axis[1], -1);
    assert_int_equal(scene->layers[1]->binding.start[1], 1);

    struct scene_snapshot *snapshot = scene_snapshot_create(scene, SCENE_MAIN);
    scene_destroy(scene); /* the snapshot stands alone */
    assert_int_equal(snapshot->scene.layer_count, 3);
    assert_string_equal(snapshot->scene.layers[2]->name, "dapi [1]");
    const struct oriel_colormap *map = snapshot->scene.layers[1]->colormap;
    assert_int_equal(map->count, 2);
    assert_true(fabsf(map->colors[5] - 0xab / 255.0f) < 1e-6f);
    assert_int_equal(fake_dataset_alive(), 1);
    scene_snapshot_unref(snapshot);
    assert_int_equal(fake_dataset_alive(), 0);
}

static void test_channel_policies(void **state)
{
    (void)state;
    static const char *const colors[] = {"cyan",  "magenta", "yellow", "blue",
                                         "green", "red",     "cyan"};
    struct scene *scene = scene_create(640, 480);
    assert_int_equal(add(scene, "mem:cyx:7,4,4:u8", NULL), 7);
    for (int i = 0; i < 7; i++)
        assert_string_equal(text(scene, scene->layers[i]->id, "colormap"), colors[i]);
    scene_destroy(scene);
    scene = scene_create(640, 480);
    struct layers_options never = {.split = LAYERS_SPLIT_NEVER, .max_channels = 16, .level = -1};
    assert_int_equal(add(scene, "mem:cyx:2,4,4:u8", &never), 1);
    assert_int_equal(scene->ndim, 3);
    assert_limits(scene, "layer-0", 0, 255);
    struct layers_options few = {.max_channels = 3, .level = -1};
    assert_int_equal(add(scene, "mem:cyx:4,4,4:u8", &few), 1);
    struct layers_options always = {.split = LAYERS_SPLIT_ALWAYS, .max_channels = 3, .level = -1};
    assert_int_equal(add(scene, "mem:cyx:2,4,4:u8", &always), 2);
    assert_string_equal(text(scene, "layer-2", "colormap"), "magenta");
    assert_string_equal(text(scene, "layer-3", "colormap"), "green");
    scene_destroy(scene);
}

static void test_axes_get_names(void **state)
{
    (void)state;
    struct scene *scene = scene_create(640, 480);
    struct layers_options options = {.level = -1, .axes = "tzyx"};
    add(scene, "mem:____:2,3,4,5:u8", &options);
    assert_string_equal(scene->layers[0]->axes[0].name, "t");
    assert_string_equal(scene->layers[0]->axes[1].name, "z");
    assert_int_equal(cJSON_GetArraySize(scene->layers[0]->warnings), 0);
    add(scene, "mem:____:2,3,4,5:u8", &(struct layers_options){.level = -1, .axes = "qyzx"});
    assert_string_equal(scene->layers[1]->axes[0].name, "q");
    assert_string_equal(scene->layers[1]->axes[1].name, "y");
    /* Names of their own stay. */
    add(scene, "mem:zyx:3,4,5:u8", &options);
    assert_string_equal(scene->layers[2]->axes[0].name, "z");
    assert_int_equal(cJSON_GetArraySize(scene->layers[2]->warnings), 0);
    /* Too many, twice the same, no letter: the usual names, and a word about it. */
    static const char *const wrong[] = {"tzyx", "yyx", "z/x"};
    for (size_t i = 0; i < 3; i++) {
        options.axes = wrong[i];
        add(scene, "mem:___:3,4,5:u8", &options);
        const struct scene_layer *layer = scene->layers[3 + i];
        assert_string_equal(layer->axes[0].name, "z");
        assert_int_equal(cJSON_GetArraySize(layer->warnings), 1);
        assert_non_null(strstr(cJSON_GetArrayItem(layer->warnings, 0)->valuestring, wrong[i]));
    }
    scene_destroy(scene);
}

static void test_world_is_the_union(void **state)
{
    (void)state;
    struct scene *scene = scene_create(640, 480);
    add(scene, "mem:yx:100,100:u8:scale=2,2", NULL);
    assert_int_equal(scene->ndim, 2);
    add(scene, "mem:zyx:10,20,30:u8:translate=0,-5,0", NULL);
    assert_int_equal(scene->ndim, 3);
    assert_string_equal(scene->axes[0].name, "z");
    assert_int_equal(scene->axes[0].size, 10);
    assert_true(scene->axes[1].translate == -5 && scene->axes[1].scale == 1);
    assert_int_equal(scene->axes[1].size, 204); /* -5 … 198 */
    assert_string_equal(scene_primary(scene)->id, "layer-1");
    struct scene_layer *layer = scene_take(scene, "layer-1", NULL);
    assert_int_equal(scene->ndim, 2);
    assert_null(record_value(scene->record, "layer", "layer-1", "opacity"));
    scene_add(scene, &layer, 1, NULL);
    assert_string_equal(layer->id, "layer-1");
    assert_true(record_value(scene->record, "layer", "layer-1", "opacity")->valuedouble == 1);
    scene_move(scene, "layer-1", 0, NULL);
    assert_string_equal(scene->layers[0]->id, "layer-1");
    scene_clear(scene, NULL);
    assert_int_equal(scene->layer_count, 0);
    add(scene, "mem:yx:4,4:u8", NULL);
    assert_string_equal(scene->layers[0]->id, "layer-2"); /* never used again */
    scene_destroy(scene);
}

static void test_crop(void **state)
{
    (void)state;
    struct scene *scene = scene_create(640, 480);
    struct layers_index index = {
        .count = 3, .axes = {{LAYERS_FIX, 7, 0}, {LAYERS_KEEP, 0, 0}, {LAYERS_CROP, 10, 30}}};
    struct layers_options options = {.level = -1, .index = &index};
    assert_int_equal(add(scene, "mem:zyx:16,64,64:u16:levels=2", &options), 1);
    const struct scene_layer *layer = scene->layers[0];
    assert_int_equal(layer->ndim, 2);
    assert_int_equal(layer->levels[0].shape[1], 20);
    assert_int_equal(layer->levels[1].shape[1], 10);
    assert_true(layer->levels[1].translate[1] == 0.5);
    struct data_range range;
    struct error err;
    assert_true(data_range_read(layer->binding.dataset, &layer->binding, &range, &err));
    assert_true(range.min == 6 + 10 && range.max == 6 + 62 + 28); /* level 1: indices 3, 31, 14 */
    scene_destroy(scene);
    index.axes[2].end = 65;
    struct dataset *dataset = dataset_open(NULL, "mem:zyx:16,64,64:u16", &err);
    struct scene_layer **layers;
    size_t count;
    assert_false(layers_from_dataset(dataset, &options, &layers, &count, &err));
    assert_non_null(strstr(err.text, "[10, 65]"));
    dataset_unref(dataset);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const uris[] = {"mem:x:9:u8", "mem:yx:9,9:complex", "mem:yx:0,9:u8"};
    for (size_t i = 0; i < 3; i++) {
        struct error err;
        struct layers_options options = {.max_channels = 16, .level = -1};
        struct dataset *dataset = dataset_open(NULL, uris[i], &err);
        struct scene_layer **layers;
        size_t count;
        assert_false(layers_from_dataset(dataset, &options, &layers, &count, &err));
        assert_non_null(strstr(err.text, uris[i]));
        dataset_unref(dataset);
    }
    assert_int_equal(fake_dataset_alive(), 0);
}

/* What can be read is shown: limits are then those of the type. */
static void test_unreadable(void **state)
{
    (void)state;
    struct scene *scene = scene_create(640, 480);
    assert_int_equal(add(scene, "mem:yx:9,9:u16:broken=1", NULL), 1);
    const cJSON *limits = record_value(scene->record, "layer", "layer-0", "contrast_limits");
    assert_true(cJSON_GetArrayItem(limits, 0)->valuedouble == 0);
    assert_true(cJSON_GetArrayItem(limits, 1)->valuedouble == 65535);
    scene_destroy(scene);
    assert_int_equal(fake_dataset_alive(), 0);
}

static void test_range(void **state)
{
    (void)state;
    struct error err;
    struct dataset *dataset = dataset_open(NULL, "mem:yx:100,101:f32", &err);
    struct layer_binding all = {.dataset = dataset,
                                .axis_count = 2,
                                .layer_axis = {0, 1},
                                .count = {100, 101},
                                .level = -1};
    struct data_range range;
    assert_true(data_range_read(dataset, &all, &range, &err));
    assert_int_equal(range.count, 10100);
    assert_true(range.min == 0 && range.max == 199);
    uint64_t sum = 0;
    for (int i = 0; i < 256; i++)
        sum += range.bins[i];
    assert_int_equal(sum, range.count);
    /* P(i + j < k) = k(k + 1) / 2 / 10100 = 0.005 at about 9.5. */
    assert_true(range.low > 8.5 && range.low < 10.5);
    assert_true(range.high > 188 && range.high < 191);
    dataset_unref(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_image),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_channel_policies),
        cmocka_unit_test(test_axes_get_names),
        cmocka_unit_test(test_world_is_the_union),
        cmocka_unit_test(test_crop),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
