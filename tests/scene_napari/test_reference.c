/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures that napari drew, drawn by the module: docs/pixels.md, "How near". */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scene_file.h"

struct agreement {
    double exact, within_1, within_2; /* shares of pixels; the worst channel counts */
};

static struct agreement compare(const uint8_t *a, const uint8_t *b, size_t pixels)
{
    size_t n[3] = {0};
    for (size_t i = 0; i < pixels; i++) {
        int worst = 0;
        for (size_t c = 0; c < 4; c++) {
            int d = abs(a[4 * i + c] - b[4 * i + c]);
            worst = d > worst ? d : worst;
        }
        for (int k = worst; k < 3; k++)
            n[k]++;
    }
    return (struct agreement){(double)n[0] / (double)pixels, (double)n[1] / (double)pixels,
                              (double)n[2] / (double)pixels};
}

static bool check_scene(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.scene.json", folder, name);
    struct rig rig;
    struct scene_file *file = scene_file_load(folder, path, &rig);
    size_t pixels = (size_t)rig.width * rig.height;
    uint8_t *drawn = malloc(pixels * 4);
    assert_non_null(drawn);
    rig_draw(&rig, drawn);
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    uint8_t *wanted = picture_load(path, rig.width, rig.height);
    struct agreement a = compare(drawn, wanted, pixels);
    bool good = a.within_1 >= 0.995 && a.within_2 >= 0.999;
    print_message("%-32s %8.5f %8.5f %8.5f%s\n", name, a.exact, a.within_1, a.within_2,
                  good ? "" : "  <- too far");
    free(wanted);
    free(drawn);
    scene_file_free(file, &rig);
    return good;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void test_reference(void **state)
{
    (void)state;
    const char *data = getenv("ORIEL_TEST_DATA");
    if (!data) {
        print_message("skipped: ORIEL_TEST_DATA is not set, so there are no reference pictures\n");
        skip();
    }
    if (!rig_context())
        skip();
    char folder[512];
    snprintf(folder, sizeof folder, "%s/reference", data);
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, by_name);
    if (n < 0)
        fail_msg("%s cannot be read", folder);
    int bad = 0, scenes = 0;
    print_message("%-32s %8s %8s %8s\n", "scene", "exact", "<=1", "<=2");
    for (int i = 0; i < n; i++) {
        char *dot = strstr(entries[i]->d_name, ".scene.json");
        if (dot) {
            *dot = 0;
            scenes++;
            bad += !check_scene(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(scenes > 0);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
