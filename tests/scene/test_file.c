/* SPDX-License-Identifier: BSD-3-Clause */
/* Scene files: read, applied, written, and read again; and what is said about wrong ones. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_dataset.h"
#include "scene/json.h"
#include "scene/scene_file.h"
#include "util/check.h"

static char folder[] = "/tmp/oriel-scene-XXXXXX";

static char *save(const char *text)
{
    char *path = xasprintf("%s/test.scene.json", folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    return path;
}

static struct scene *load(const char *path)
{
    struct error err;
    struct scene_file *file = scene_file_read(path, &err);
    if (!file)
        fail_msg("%s", err.text);
    struct scene *scene = scene_create(1280, 720);
    for (size_t i = 0; i < file->layer_count; i++) {
        struct layers_options options = {.split = LAYERS_SPLIT_NEVER,
                                         .level = file->layers[i].level};
        options.index = file->layers[i].has_index ? &file->layers[i].index : NULL;
        struct dataset *dataset = dataset_open(NULL, file->layers[i].uri, &err);
        if (!dataset)
            fail_msg("%s", err.text);
        struct scene_layer **layers;
        size_t count;
        assert_true(layers_from_dataset(dataset, &options, &layers, &count, &err));
        dataset_unref(dataset);
        if (!scene_file_apply_layer(file, i, layers[0], &err))
            fail_msg("%s", err.text);
        scene_add(scene, layers, count, NULL);
        free(layers);
    }
    if (!scene_file_apply_view(file, scene, &err))
        fail_msg("%s", err.text);
    scene_file_destroy(file);
    return scene;
}

static const char full[] =
    "{\"oriel_scene\":1,\"canvas\":{\"size\":[480,360],\"background\":\"white\"},"
    "\"dims\":{\"ndisplay\":3,\"current_step\":[0,12,0,0],\"order\":[0,1,2,3]},"
    "\"camera\":{\"model\":\"napari\",\"center\":[39,45.5,37],\"zoom\":4.0,\"angles\":[20,-35,110],"
    "\"perspective\":45},"
    "\"layers\":[{\"type\":\"image\",\"name\":\"mri\",\"source\":{\"uri\":\"mem://"
    "tczyx:3,2,30,40,50:u16\","
    "\"level\":null,\"index\":[null,1,null,null,[10,20]]},"
    "\"transform\":{\"scale\":[1,2,1,1],\"translate\":[0,5,0,0]},"
    "\"controls\":{\"visible\":true,\"opacity\":0.5,\"blending\":\"additive\","
    "\"interpolation\":\"linear\",\"colormap\":{\"colors\":[[0,0,0],[1,0.5,0]]},"
    "\"contrast_limits\":[0,200],\"gamma\":0.7,\"rendering\":\"iso\"}},"
    "{\"source\":{\"uri\":\"mem://tzyx:3,30,40,50:u8\"}}]}";

/* The made-up datasets have no slashes; "mem://" is what a scene file leaves alone. */
static char *adapt(const char *text)
{
    char *copy = xstrdup(text);
    for (char *at; (at = strstr(copy, "mem://"));)
        memmove(at + 4, at + 6, strlen(at + 6) + 1);
    return copy;
}

static void assert_scene(const struct scene *scene)
{
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    assert_int_equal(view.width, 480);
    assert_int_equal(view.ndisplay, 3);
    assert_int_equal(view.step[1], 12);
    assert_true(view.background[1] == 1.0f);
    assert_true(view.camera.center[0] == 37 && view.camera.center[2] == 39);
    assert_true(view.camera.zoom == 4 && view.camera.fov == 45);
    double angles[3];
    camera_to_angles(view.camera.quat, angles);
    assert_true(fabs(angles[0] - 20) < 1e-6 && fabs(angles[1] + 35) < 1e-6 &&
                fabs(angles[2] - 110) < 1e-6);
    struct scene_snapshot *snapshot = scene_snapshot_create(scene, SCENE_MAIN);
    assert_int_equal(snapshot->scene.layer_count, 2);
    const struct oriel_layer *layer = snapshot->scene.layers[0];
    assert_string_equal(layer->name, "mri");
    assert_int_equal(layer->ndim, 4);
    assert_int_equal(layer->levels[0].shape[3], 10);
    assert_true(layer->scale[1] == 2 && layer->translate[1] == 5);
    assert_true(layer->opacity == 0.5 && layer->gamma == 0.7);
    assert_int_equal(layer->rendering, ORIEL_RENDER_ISO);
    assert_int_equal(layer->interpolation_3d, ORIEL_FILTER_LINEAR);
    assert_true(layer->contrast_limits[1] == 200 && layer->contrast_limits_range[1] == 200);
    assert_true(layer->iso_threshold == 100);
    assert_int_equal(layer->colormap->count, 2);
    assert_int_equal(snapshot->scene.layers[1]->interpolation_2d, ORIEL_FILTER_NEAREST);
    assert_int_equal(snapshot->bindings[0].start[4], 10);
    scene_snapshot_unref(snapshot);
}

static void test_round_trip(void **state)
{
    (void)state;
    char *text = adapt(full), *path = save(full);
    /* Relative names are the file's; these are absolute because of "://". */
    struct error err;
    struct scene_file *file = scene_file_read(path, &err);
    assert_non_null(file);
    assert_string_equal(file->layers[0].uri, "mem://tczyx:3,2,30,40,50:u16");
    scene_file_destroy(file);
    free(path);
    free(text);

    struct scene *scene = scene_create(1, 1);
    scene_destroy(scene);
    assert_int_equal(chdir(folder), 0);
    text = adapt(full);
    FILE *out = fopen("plain.json", "w");
    fputs(text, out);
    fclose(out);
    free(text);
    scene = load("plain.json"); /* no folder in the name: nothing to put before */
    assert_scene(scene);
    cJSON *json = scene_file_write(scene, SCENE_MAIN);
    text = cJSON_Print(json);
    cJSON_Delete(json);
    scene_destroy(scene);
    out = fopen("again.json", "w");
    fputs(text, out);
    fclose(out);
    scene = load("again.json");
    assert_scene(scene);
    json = scene_file_write(scene, SCENE_MAIN);
    char *second = cJSON_Print(json);
    assert_string_equal(text, second);
    free(text);
    free(second);
    cJSON_Delete(json);
    scene_destroy(scene);
    assert_int_equal(fake_dataset_alive(), 0);
}

static void test_models(void **state)
{
    (void)state;
    FILE *out = fopen("camera.json", "w");
    fputs("{\"oriel_scene\":1,\"canvas\":{\"size\":[400,200]},\"camera\":{\"model\":\"panzoom\","
          "\"rect\":[10,20,100,100]},\"layers\":[{\"source\":{\"uri\":\"mem:yx:100,100:u8\"}}]}",
          out);
    fclose(out);
    struct scene *scene = load("camera.json");
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    assert_true(view.camera.center[0] == 60 && view.camera.center[1] == 70 &&
                view.camera.zoom == 2);
    scene_destroy(scene);

    out = fopen("camera.json", "w");
    fputs("{\"oriel_scene\":1,\"dims\":{\"ndisplay\":3},\"camera\":{\"model\":\"turntable\","
          "\"center\":[1,2,3],\"angles\":[30,40,50],\"distance\":77,\"fov\":60},"
          "\"layers\":[{\"source\":{\"uri\":\"mem:zyx:9,9,9:u8\"}}]}",
          out);
    fclose(out);
    scene = load("camera.json");
    scene_view_read(scene, SCENE_MAIN, &view);
    struct camera_turntable t;
    camera_to_turntable(&view.camera, view.height, &t);
    assert_true(fabs(t.azimuth - 30) < 1e-9 && fabs(t.elevation - 40) < 1e-9 &&
                fabs(t.roll - 50) < 1e-9 && fabs(t.distance - 77) < 1e-9 && t.center[2] == 3);
    scene_destroy(scene);
}

/* A file for data with more axes, as napari aligns them: at the end. */
static void test_more_dims_than_axes(void **state)
{
    (void)state;
    static const char *const layers = "\"layers\":[{\"source\":{\"uri\":\"mem:zyx:9,10,11:u8\"}}]}";
    char *text = xasprintf("{\"oriel_scene\":1,\"dims\":{\"current_step\":[50,3,4,5],"
                           "\"order\":[0,2,1,3]},%s",
                           layers);
    free(save(text));
    struct scene *scene = load("test.scene.json"); /* whose folder is this one */
    struct scene_view view;
    scene_view_read(scene, SCENE_MAIN, &view);
    assert_true(view.step[0] == 3 && view.step[1] == 4 && view.step[2] == 5);
    assert_true(view.order[0] == 1 && view.order[1] == 0 && view.order[2] == 2);
    free(text);

    static const char *const fewer[] = {"\"current_step\":[1,2]", "\"order\":[0,1]",
                                        "\"order\":[3,0,1,2]"};
    for (size_t i = 0; i < sizeof fewer / sizeof *fewer; i++) {
        text = xasprintf("{\"oriel_scene\":1,\"dims\":{%s},%s", fewer[i], layers);
        free(save(text));
        struct error err;
        struct scene_file *file = scene_file_read("test.scene.json", &err);
        assert_non_null(file);
        assert_false(scene_file_apply_view(file, scene, &err));
        assert_non_null(strstr(err.text, "dims."));
        scene_file_destroy(file);
        free(text);
    }
    scene_destroy(scene);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"{", "line 1"},
        {"[]", "oriel_scene"},
        {"{\"oriel_scene\":2}", "version 2"},
        {"{\"oriel_scene\":1,\"canvas\":{\"size\":[0,1]}}", "canvas.size"},
        {"{\"oriel_scene\":1,\"canvas\":{\"background\":\"blu\"}}", "canvas.background"},
        {"{\"oriel_scene\":1,\"dims\":{\"ndisplay\":4}}", "dims.ndisplay"},
        {"{\"oriel_scene\":1,\"camera\":{\"model\":\"fly\"}}", "camera.model"},
        {"{\"oriel_scene\":1,\"camera\":{\"zoom\":-1}}", "camera.zoom"},
        {"{\"oriel_scene\":1,\"camera\":{\"center\":[1]}}", "camera.center"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{}}]}", "layers[0].source.uri"},
        {"{\"oriel_scene\":1,\"layers\":[{\"type\":\"points\"}]}", "layers[0].type"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\",\"index\":[[4,2]]}}]}",
         "layers[0].source.index[0]"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"transform\":{\"scale\":[0]}}"
         "]}",
         "layers[0].transform.scale"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"transform\":"
         "{\"scale\":[1,-1e-300]}}]}",
         "layers[0].transform.scale"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"transform\":"
         "{\"scale\":[1e16]}}]}",
         "layers[0].transform.scale"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"transform\":"
         "{\"translate\":[0,-1e308]}}]}",
         "layers[0].transform.translate"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"transform\":"
         "{\"translate\":[true]}}]}",
         "layers[0].transform.translate"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"controls\":{\"gamma\":0}}]}",
         "layers[0].controls.gamma"},
        {"{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a\"},\"controls\":{\"colormap\":"
         "\"x\"}}]}",
         "layers[0].controls.colormap"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = save(cases[i].text);
        struct error err;
        assert_null(scene_file_read(path, &err));
        if (!strstr(err.text, cases[i].names) || !strstr(err.text, path))
            fail_msg("\"%s\" does not name %s", err.text, cases[i].names);
        free(path);
    }
    struct error err;
    assert_null(scene_file_read("/nowhere/x.json", &err));
    assert_non_null(strstr(err.text, "/nowhere/x.json"));
    char *path = save("{\"oriel_scene\":1,\"layers\":[{\"source\":{\"uri\":\"a/b.npy\"}}]}");
    struct scene_file *file = scene_file_read(path, &err);
    char *wanted = xasprintf("%s/a/b.npy", folder);
    assert_string_equal(file->layers[0].uri, wanted);
    free(wanted);
    scene_file_destroy(file);
    free(path);
}

/* The widest world that a file can ask for still has a size, and so has one of odd data. */
static void test_wide(void **state)
{
    (void)state;
    assert_int_equal(chdir(folder), 0);
    char *path = save("{\"oriel_scene\":1,\"layers\":["
                      "{\"source\":{\"uri\":\"mem:yx:4,4:u8\"},"
                      "\"transform\":{\"scale\":[1e-15,1e15],\"translate\":[-1e15,-1e15]}},"
                      "{\"source\":{\"uri\":\"mem:yx:4,4:u8:scale=1e-300,1e300\"},"
                      "\"transform\":{\"translate\":[1e15,1e15]}}]}");
    struct scene *scene = load("test.scene.json"); /* whose folder is this one */
    assert_true(scene->layers[1]->axes[0].scale == 1 && scene->layers[1]->axes[1].scale == 1);
    assert_true(scene->axes[0].size == 1ull << 53);
    assert_true(scene->axes[0].scale == 1e-15 && scene->axes[0].translate == -1e15);
    assert_true(scene->axes[1].size == 3000000000000001ull);
    scene_destroy(scene);
    free(path);

    path = save("{\"oriel_scene\":1,\"dims\":{\"order\":[1e300,-1e300]}}");
    struct error err;
    struct scene_file *file = scene_file_read(path, &err);
    assert_non_null(file);
    scene = scene_create(64, 64);
    assert_false(scene_file_apply_view(file, scene, &err));
    assert_non_null(strstr(err.text, "dims.order"));
    scene_destroy(scene);
    scene_file_destroy(file);
    free(path);
}

/* Every scene of the reference pictures can be read. */
static void test_reference_files(void **state)
{
    (void)state;
    const char *data = getenv("ORIEL_TEST_DATA");
    if (!data) {
        print_message("left out: ORIEL_TEST_DATA is not set\n");
        skip();
    }
    char *path = xasprintf("%s/reference", data);
    DIR *dir = opendir(path);
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".scene.json"))
            continue;
        struct error err;
        char *name = xasprintf("%s/%s", path, entry->d_name);
        struct scene_file *file = scene_file_read(name, &err);
        if (!file)
            fail_msg("%s", err.text);
        assert_true(file->layer_count >= 1 && file->width == 480);
        scene_file_destroy(file);
        free(name);
        count++;
    }
    if (dir)
        closedir(dir);
    assert_true(count > 0);
    free(path);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"test.scene.json", "plain.json", "again.json",
                                        "camera.json"};
    for (size_t i = 0; i < 4; i++) {
        char *path = xasprintf("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_models),
        cmocka_unit_test(test_more_dims_than_axes), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_reference_files),     cmocka_unit_test(test_wide),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
