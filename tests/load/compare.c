/* SPDX-License-Identifier: BSD-3-Clause */
#include "compare.h"

#include <math.h>
#include <stdio.h>

#include "ctl/memory.h"

#define MAX_LINES 200

static cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void forget(cJSON *object, const char *key)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
}

static cJSON *copy_of(const cJSON *value)
{
    return must(value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
}

cJSON *compare_state(const struct mirror *mirror)
{
    cJSON *state = must(cJSON_CreateObject());
    cJSON *layers = cJSON_AddObjectToObject(state, "layers");
    cJSON *ids = cJSON_AddArrayToObject(state, "layer_order");
    const cJSON *block;
    cJSON_ArrayForEach(block, get(mirror->scene, "layers"))
    {
        const cJSON *id = get(block, "layer_id");
        cJSON *copy = copy_of(block);
        forget(copy, "thumbnail");
        /* As they were when the scene was told; the controls say what they are. */
        forget(copy, "contrast_limits");
        cJSON_AddItemToArray(ids, copy_of(id));
        cJSON_AddItemToObject(layers, cJSON_IsString(id) ? id->valuestring : "?", copy);
    }
    cJSON *view = copy_of(mirror->view);
    forget(view, "revision");
    forget(view, "origin");
    forget(get(view, "versions"), "camera"); /* who moves it is not told of it */
    cJSON_AddItemToObject(state, "view", view);
    cJSON_AddItemToObject(state, "dims", copy_of(mirror->dims));
    cJSON_AddItemToObject(state, "camera", copy_of(mirror->camera));
    return state;
}

static bool same_number(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

static int differs(const char *who, const char *path, const cJSON *here, const cJSON *there,
                   int *lines)
{
    if (++*lines <= MAX_LINES) {
        char *a = here ? must(cJSON_PrintUnformatted(here)) : NULL;
        char *b = there ? must(cJSON_PrintUnformatted(there)) : NULL;
        printf("%s: %s: %.200s here, %.200s there\n", who, path, a ? a : "nothing",
               b ? b : "nothing");
        cJSON_free(a);
        cJSON_free(b);
    }
    return 1;
}

static int compare_at(const char *who, const char *path, const cJSON *here, const cJSON *there,
                      int *lines)
{
    if (!here || !there || (here->type & 0xff) != (there->type & 0xff))
        return differs(who, path, here, there, lines);
    if (cJSON_IsNumber(here) && same_number(here->valuedouble, there->valuedouble))
        return 0;
    char inner[512];
    const cJSON *item;
    int count = 0;
    if (cJSON_IsObject(here)) {
        cJSON_ArrayForEach(item, here)
        {
            snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", item->string);
            count += compare_at(who, inner, item, get(there, item->string), lines);
        }
        cJSON_ArrayForEach(item, there)
        {
            snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", item->string);
            if (!get(here, item->string))
                count += differs(who, inner, NULL, item, lines);
        }
        return count;
    }
    bool numbers = cJSON_IsArray(here) && cJSON_GetArraySize(here) == cJSON_GetArraySize(there);
    const cJSON *other = numbers ? there->child : NULL;
    for (item = here->child; numbers && item; item = item->next, other = other->next)
        numbers = cJSON_IsNumber(item) && cJSON_IsNumber(other) &&
                  same_number(item->valuedouble, other->valuedouble);
    return numbers || cJSON_Compare(here, there, true) ? 0 : differs(who, path, here, there, lines);
}

int compare_json(const char *who, const cJSON *here, const cJSON *there, int *lines)
{
    return compare_at(who, "", here, there, lines);
}

/* `view`'s camera in the words of a scene file. */
static cJSON *file_camera(const cJSON *view)
{
    cJSON *camera = must(cJSON_CreateObject()), *center = cJSON_AddArrayToObject(camera, "center");
    const cJSON *from = get(view, "camera");
    for (int i = 2; i >= 0; i--)
        cJSON_AddItemToArray(center, copy_of(cJSON_GetArrayItem(get(from, "center"), i)));
    cJSON_AddItemToObject(camera, "zoom", copy_of(get(from, "zoom")));
    cJSON_AddItemToObject(camera, "perspective", copy_of(get(from, "fov")));
    return camera;
}

int compare_scene_file(const char *who, const struct mirror *mirror, const cJSON *file, int *lines)
{
    const cJSON *view = mirror->view, *dims = get(file, "dims");
    int count = compare_at(who, "canvas", get(view, "canvas"), get(file, "canvas"), lines);
    count += compare_at(who, "dims.ndisplay", get(view, "ndisplay"), get(dims, "ndisplay"), lines);
    count +=
        compare_at(who, "dims.current_step", get(view, "step"), get(dims, "current_step"), lines);
    count += compare_at(who, "dims.order", get(view, "order"), get(dims, "order"), lines);
    cJSON *camera = file_camera(view), *in_file = copy_of(get(file, "camera"));
    forget(in_file, "model");
    forget(in_file, "angles"); /* the quaternion in other words */
    count += compare_at(who, "camera", camera, in_file, lines);
    cJSON_Delete(camera);
    cJSON_Delete(in_file);
    const cJSON *layer = get(file, "layers") ? get(file, "layers")->child : NULL, *block;
    cJSON_ArrayForEach(block, get(mirror->scene, "layers"))
    {
        cJSON *controls = copy_of(get(block, "controls"));
        forget(controls, "interpolation"); /* one of the two others */
        count += compare_at(who, "layer name", get(block, "name"), get(layer, "name"), lines);
        count += compare_at(who, "layer controls", controls, get(layer, "controls"), lines);
        cJSON_Delete(controls);
        layer = layer ? layer->next : NULL;
    }
    return count + (layer ? differs(who, "layers", NULL, layer, lines) : 0);
}
