/* SPDX-License-Identifier: BSD-3-Clause */
#include "real.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "control/control.h"
#include "metrics/metrics.h"
#include "module/registry.h"
#include "util/check.h"

void real_open(struct real *real)
{
    real_open_with(real, NULL, 0);
}

void real_open_with(struct real *real, const char *const *sets, size_t count)
{
    struct error err = {""};
    const struct config_inputs inputs = {.sets = sets, .set_count = count};
    *real = (struct real){.config = config_create(&inputs, &err)};
    real->metrics = metrics_create();
    real->registry = real->config ? registry_create(real->config, &err) : NULL;
    real->control =
        real->registry ? control_create(real->config, real->registry, real->metrics, &err) : NULL;
    real->pool = real->control
                     ? render_pool_create(real->config, real->registry, real->metrics, &err)
                     : NULL;
    if (!real->pool)
        fail_msg("%s", err.text);
}

void real_close(struct real *real)
{
    control_destroy(real->control);
    render_pool_destroy(real->pool);
    registry_destroy(real->registry);
    metrics_destroy(real->metrics);
    config_destroy(real->config);
}

struct scene_snapshot *real_snapshot(struct real *real, const char *scene)
{
    char path[] = "/tmp/oriel-scene-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, scene, strlen(scene)), strlen(scene));
    close(fd);
    struct error err = {""};
    control_destroy(real->control); /* a scene is added to what is there */
    real->control = control_create(real->config, real->registry, real->metrics, &err);
    if (!real->control || !control_open_scene(real->control, path, &err))
        fail_msg("%s", err.text);
    unlink(path);
    return control_snapshot(real->control);
}

char *real_write_values(const char *descr, const char *shape, const void *data, size_t bytes)
{
    char *path = xstrdup("/tmp/oriel-image-XXXXXX.npy");
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "wb");
    char header[128];
    int n = snprintf(header, sizeof header,
                     "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    memset(header + n, ' ', 118 - (size_t)n);
    header[117] = '\n';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fwrite(header, 1, 118, file);
    fwrite(data, 1, bytes, file);
    fclose(file);
    return path;
}

char *real_write_npy(uint32_t planes, uint32_t rows, uint32_t columns, bool cut_short)
{
    char shape[64];
    if (planes)
        snprintf(shape, sizeof shape, "(%u, %u, %u)", planes, rows, columns);
    else
        snprintf(shape, sizeof shape, "(%u, %u)", rows, columns);
    size_t count = (size_t)(planes ? planes : 1) * rows * columns;
    uint8_t *values = xcalloc(count, 1);
    for (size_t i = 0; i < count; i++)
        values[i] = (uint8_t)((i * 7 + i / columns) % 256);
    char *path = real_write_values("|u1", shape, values, cut_short ? count / 2 : count);
    free(values);
    return path;
}

uint8_t real_npy_value(uint32_t plane, uint32_t row, uint32_t column, uint32_t rows,
                       uint32_t columns)
{
    uint64_t i = ((uint64_t)plane * rows + row) * columns + column;
    return (uint8_t)((i * 7 + i / columns) % 256);
}

double real_number(const char *json, const char *section, const char *key)
{
    cJSON *all = cJSON_Parse(json);
    const cJSON *in = section ? cJSON_GetObjectItemCaseSensitive(all, section) : all;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(in, key);
    assert_true(cJSON_IsNumber(item));
    double value = item->valuedouble;
    cJSON_Delete(all);
    return value;
}
