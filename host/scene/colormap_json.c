/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scene/colormap.h"
#include "scene/controls.h"
#include "scene/json.h"

#define MAX_COLORS 1024

cJSON *colormap_from_rgb(uint32_t rgb)
{
    static const struct {
        uint32_t rgb;
        const char *name;
    } named[] = {{0xffffff, "gray"}, {0xff0000, "red"},     {0x00ff00, "green"}, {0x0000ff, "blue"},
                 {0x00ffff, "cyan"}, {0xff00ff, "magenta"}, {0xffff00, "yellow"}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        if (named[i].rgb == rgb)
            return cJSON_CreateString(named[i].name);
    }
    cJSON *map = cJSON_CreateObject(), *colors = json_put(map, "colors", cJSON_CreateArray());
    double ends[2][4] = {
        {0, 0, 0, 1},
        {(rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, 1}};
    for (int i = 0; i < 2; i++)
        cJSON_AddItemToArray(colors, cJSON_CreateDoubleArray(ends[i], 4));
    json_put_numbers(map, "controls", (double[]){0, 1}, 2);
    json_put_string(map, "interpolation", "linear");
    return map;
}

static cJSON *normalise_colors(const cJSON *colors, struct error *err)
{
    int n = cJSON_GetArraySize(colors);
    if (!cJSON_IsArray(colors) || n < 1 || n > MAX_COLORS) {
        error_set(err, "colors must be a list of 1 to %d colours", MAX_COLORS);
        return NULL;
    }
    cJSON *out = cJSON_CreateArray();
    const cJSON *color;
    int i = 0;
    cJSON_ArrayForEach(color, colors)
    {
        double v[4] = {0, 0, 0, 1};
        bool ok = json_numbers(color, v, 3, 4) > 0;
        for (int k = 0; k < 4; k++)
            ok = ok && v[k] >= 0 && v[k] <= 1;
        if (!ok) {
            error_set(err, "colors[%d] must be [r, g, b] or [r, g, b, a], each 0..1", i);
            cJSON_Delete(out);
            return NULL;
        }
        cJSON_AddItemToArray(out, cJSON_CreateDoubleArray(v, 4));
        i++;
    }
    return out;
}

static cJSON *normalise_stops(const cJSON *stops, int count, struct error *err)
{
    double v[MAX_COLORS + 1];
    if (!stops || cJSON_IsNull(stops)) {
        for (int i = 0; i < count; i++)
            v[i] = count > 1 ? (double)i / (count - 1) : 0;
        return cJSON_CreateDoubleArray(v, count);
    }
    bool ok = json_numbers(stops, v, count, count) == count && v[0] == 0 && v[count - 1] == 1;
    for (int i = 1; ok && i < count; i++)
        ok = v[i] >= v[i - 1];
    if (ok)
        return cJSON_CreateDoubleArray(v, count);
    error_set(err, "controls must be %d ascending numbers from 0 to 1", count);
    return NULL;
}

static cJSON *normalise_object(const cJSON *value, struct error *err)
{
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(value, "interpolation");
    bool zero = cJSON_IsString(mode) && strcmp(mode->valuestring, "zero") == 0;
    if (mode && !zero && !(cJSON_IsString(mode) && strcmp(mode->valuestring, "linear") == 0)) {
        error_set(err, "interpolation must be linear or zero");
        return NULL;
    }
    cJSON *colors = normalise_colors(cJSON_GetObjectItemCaseSensitive(value, "colors"), err);
    if (!colors)
        return NULL;
    int n = cJSON_GetArraySize(colors);
    if (!zero && n < 2) {
        cJSON_Delete(colors);
        error_set(err, "a linear colormap needs two colours or more");
        return NULL;
    }
    cJSON *stops =
        normalise_stops(cJSON_GetObjectItemCaseSensitive(value, "controls"), zero ? n + 1 : n, err);
    if (!stops) {
        cJSON_Delete(colors);
        return NULL;
    }
    cJSON *map = cJSON_CreateObject();
    json_put(map, "colors", colors);
    json_put(map, "controls", stops);
    json_put_string(map, "interpolation", zero ? "zero" : "linear");
    return map;
}

cJSON *colormap_normalise(const cJSON *value, struct error *err)
{
    if (cJSON_IsObject(value) && cJSON_HasObjectItem(value, "colors"))
        return normalise_object(value, err);
    if (cJSON_IsObject(value))
        value = cJSON_GetObjectItemCaseSensitive(value, "name");
    const char *name = json_string(value);
    unsigned rgb;
    int used = 0;
    if (name && sscanf(name, "#%6x%n", &rgb, &used) == 1 && used == 7 && !name[used])
        return colormap_from_rgb(rgb);
    const struct oriel_colormap *map = name ? colormap_find(name) : NULL;
    if (map)
        return cJSON_CreateString(map->name);
    if (name)
        error_set(err, "\"%.60s\" is not a colormap", name);
    else
        error_set(err, "must be a colormap's name, or an object with colors");
    return NULL;
}

void colormap_napari_name(const cJSON *canonical, char name[64])
{
    if (cJSON_IsString(canonical)) {
        snprintf(name, 64, "%s", canonical->valuestring);
        return;
    }
    const cJSON *colors = cJSON_GetObjectItemCaseSensitive(canonical, "colors");
    double v[4] = {1, 1, 1, 1};
    json_numbers(cJSON_GetArrayItem(colors, cJSON_GetArraySize(colors) - 1), v, 3, 4);
    snprintf(name, 64, "#%02x%02x%02x", (unsigned)lround(v[0] * 255), (unsigned)lround(v[1] * 255),
             (unsigned)lround(v[2] * 255));
}
