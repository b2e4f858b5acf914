/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/controls.h"
#include "scene/json.h"
#include "scene/scene_file.h"
#include "scene/world.h"
#include "util/check.h"
#include "util/log.h"

#define MAX_FILE_BYTES (16u << 20)

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

/* A key that nobody reads is most likely a spelling mistake. */
static void warn_unknown(const struct scene_file *file, const char *where, const cJSON *object,
                         const char *known)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        bool found = false;
        for (const char *at = known; *at && !found; at += strcspn(at, " "), at += *at == ' ') {
            size_t length = strcspn(at, " ");
            found = strlen(item->string) == length && memcmp(at, item->string, length) == 0;
        }
        if (!found)
            log_warn(LOG_SCENE, "%s: %s%s%s: unknown key, ignored", file->path, where,
                     where[0] ? "." : "", item->string);
    }
}

static char *slurp(const char *path, size_t *bytes, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hang it */
    struct stat st;
    bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    FILE *in = file ? fdopen(fd, "rb") : NULL;
    if (!in) {
        error_set(err, "%s: %s", path, fd >= 0 && !file ? "no regular file" : strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    char *text = NULL;
    size_t used = 0, room = 0, n;
    do {
        if (used + 65536 > room) {
            room = room ? 2 * room : 131072;
            text = xrealloc(text, room);
        }
        n = fread(text + used, 1, 65536, in);
        used += n;
    } while (n > 0 && used <= MAX_FILE_BYTES);
    bool bad = ferror(in);
    fclose(in);
    if (bad || used > MAX_FILE_BYTES) {
        error_set(err, "%s: %s", path, bad ? "cannot be read" : "is too large for a scene file");
        free(text);
        return NULL;
    }
    *bytes = used;
    return text;
}

static cJSON *read_background(const cJSON *value)
{
    static const struct {
        const char *name;
        uint32_t rgb;
    } names[] = {{"black", 0},          {"white", 0xffffff}, {"gray", 0x808080}, {"grey", 0x808080},
                 {"red", 0xff0000},     {"green", 0x008000}, {"blue", 0x0000ff}, {"cyan", 0x00ffff},
                 {"magenta", 0xff00ff}, {"yellow", 0xffff00}};
    double v[4] = {0, 0, 0, 1};
    uint32_t rgb = UINT32_MAX;
    unsigned hex;
    int used = 0;
    const char *text = json_string(value);
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(text, names[i].name) == 0)
            rgb = names[i].rgb;
    }
    if (text && sscanf(text, "#%6x%n", &hex, &used) == 1 && used == 7 && !text[7])
        rgb = hex;
    if (rgb != UINT32_MAX) {
        for (int i = 0; i < 3; i++)
            v[i] = (rgb >> (16 - 8 * i) & 255) / 255.0;
        return cJSON_CreateDoubleArray(v, 4);
    }
    bool ok = json_numbers(value, v, 3, 4) > 0;
    for (int i = 0; i < 4; i++)
        ok = ok && v[i] >= 0 && v[i] <= 1;
    return ok ? cJSON_CreateDoubleArray(v, 4) : NULL;
}

static bool read_canvas(struct scene_file *file, const cJSON *canvas, struct error *err)
{
    if (!canvas)
        return true;
    double size[2];
    const cJSON *given = get(canvas, "size"), *background = get(canvas, "background");
    warn_unknown(file, "canvas", canvas, "size background");
    if (given) {
        if (json_numbers(given, size, 2, 2) != 2 || size[0] < 1 || size[1] < 1 || size[0] > 16384 ||
            size[1] > 16384)
            return error_set(err, "%s: canvas.size: must be [width, height], 1..16384", file->path);
        file->width = (uint32_t)size[0];
        file->height = (uint32_t)size[1];
    }
    if (background && !(file->background = read_background(background)))
        return error_set(err,
                         "%s: canvas.background: must be a colour name, \"#rrggbb\" or "
                         "[r, g, b(, a)] of 0..1",
                         file->path);
    return true;
}

static bool read_dims(struct scene_file *file, const cJSON *dims, struct error *err)
{
    if (!dims)
        return true;
    double v[ORIEL_MAX_AXES];
    int64_t ndisplay;
    warn_unknown(file, "dims", dims, "ndisplay current_step order level");
    const cJSON *n = get(dims, "ndisplay"), *step = get(dims, "current_step");
    const cJSON *order = get(dims, "order"), *level = get(dims, "level");
    if (n) {
        if (!json_integer(n, &ndisplay) || (ndisplay != 2 && ndisplay != 3))
            return error_set(err, "%s: dims.ndisplay: must be 2 or 3", file->path);
        file->ndisplay = (uint32_t)ndisplay;
    }
    if (step && json_numbers(step, v, 0, ORIEL_MAX_AXES) < 0)
        return error_set(err, "%s: dims.current_step: must be a list of indices", file->path);
    if (order && json_numbers(order, v, 0, ORIEL_MAX_AXES) < 0)
        return error_set(err, "%s: dims.order: must be a list of axes", file->path);
    int64_t locked;
    if (level) {
        if (!json_integer(level, &locked) || locked < 0 || locked > 63)
            return error_set(err, "%s: dims.level: must be null or a level's number", file->path);
        file->level = (int32_t)locked;
    }
    file->step = step ? cJSON_Duplicate(step, true) : NULL;
    file->order = order ? cJSON_Duplicate(order, true) : NULL;
    return true;
}

static bool read_camera(struct scene_file *file, const cJSON *camera, struct error *err)
{
    static const struct {
        const char *key;
        int min, max; /* 0, 0: one number */
    } fields[] = {{"center", 2, 3},      {"angles", 2, 3},   {"rect", 4, 4}, {"zoom", 0, 0},
                  {"perspective", 0, 0}, {"distance", 0, 0}, {"fov", 0, 0}};
    if (!camera)
        return true;
    const cJSON *model = get(camera, "model");
    const char *name = model ? json_string(model) : "napari";
    if (!name || (strcmp(name, "napari") != 0 && strcmp(name, "turntable") != 0 &&
                  strcmp(name, "panzoom") != 0))
        return error_set(err, "%s: camera.model: must be napari, turntable or panzoom", file->path);
    warn_unknown(file, "camera", camera, "model center angles rect zoom perspective distance fov");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const cJSON *value = get(camera, fields[i].key);
        double v[4];
        if (!value)
            continue;
        if (fields[i].max ? json_numbers(value, v, fields[i].min, fields[i].max) < 0
                          : !json_number(value, v))
            return error_set(err, "%s: camera.%s: must be %s", file->path, fields[i].key,
                             fields[i].max ? "a list of numbers of the right length" : "a number");
        bool positive =
            strcmp(fields[i].key, "zoom") == 0 || strcmp(fields[i].key, "distance") == 0;
        bool angle = strcmp(fields[i].key, "perspective") == 0 || strcmp(fields[i].key, "fov") == 0;
        if ((positive && v[0] <= 0) || (angle && (v[0] < 0 || v[0] >= 180)) ||
            (strcmp(fields[i].key, "rect") == 0 && (v[2] <= 0 || v[3] <= 0)))
            return error_set(err, "%s: camera.%s: is out of range", file->path, fields[i].key);
    }
    file->camera = cJSON_Duplicate(camera, true);
    return true;
}

static bool read_index(const struct scene_file *file, size_t which, const cJSON *index,
                       struct scene_file_layer *layer, struct error *err)
{
    int n = cJSON_GetArraySize(index);
    if (!cJSON_IsArray(index) || n > (int)ORIEL_MAX_AXES)
        return error_set(err,
                         "%s: layers[%zu].source.index: must be a list, one entry for each axis",
                         file->path, which);
    layer->has_index = n > 0;
    layer->index.count = (uint32_t)n;
    for (int a = 0; a < n; a++) {
        const cJSON *entry = cJSON_GetArrayItem(index, a);
        int64_t at;
        double range[2];
        if (cJSON_IsNull(entry)) {
            layer->index.axes[a].part = LAYERS_KEEP;
        } else if (cJSON_IsNumber(entry) && json_integer(entry, &at) && at >= 0) {
            layer->index.axes[a].part = LAYERS_FIX;
            layer->index.axes[a].start = (uint64_t)at;
        } else if (json_numbers(entry, range, 2, 2) == 2 && range[0] >= 0 && range[1] > range[0] &&
                   range[1] < 9e15) {
            layer->index.axes[a].part = LAYERS_CROP;
            layer->index.axes[a].start = (uint64_t)range[0];
            layer->index.axes[a].end = (uint64_t)range[1];
        } else {
            return error_set(err,
                             "%s: layers[%zu].source.index[%d]: must be an integer, null or "
                             "[start, end]",
                             file->path, which, a);
        }
    }
    return true;
}

static bool read_transform(const struct scene_file *file, size_t which, const cJSON *transform,
                           struct scene_file_layer *layer, struct error *err)
{
    const cJSON *scale = get(transform, "scale"), *translate = get(transform, "translate");
    layer->scale_count = scale ? json_numbers(scale, layer->scale, 1, ORIEL_MAX_AXES) : 0;
    layer->translate_count =
        translate ? json_numbers(translate, layer->translate, 1, ORIEL_MAX_AXES) : 0;
    bool ok = layer->scale_count >= 0;
    for (int i = 0; i < layer->scale_count; i++)
        ok = ok && world_scale_ok(layer->scale[i]);
    if (!ok)
        return error_set(err,
                         "%s: layers[%zu].transform.scale: must be a list of numbers of "
                         "1e-15..1e15, either way",
                         file->path, which);
    ok = layer->translate_count >= 0;
    for (int i = 0; i < layer->translate_count; i++)
        ok = ok && world_translate_ok(layer->translate[i]);
    return ok || error_set(err,
                           "%s: layers[%zu].transform.translate: must be a list of numbers of "
                           "-1e15..1e15",
                           file->path, which);
}

static bool read_controls(const struct scene_file *file, size_t which, const cJSON *controls,
                          struct scene_file_layer *layer, struct error *err)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, controls)
    {
        bool both = strcmp(item->string, "interpolation") == 0;
        struct error why;
        if (!both && !control_known(item->string)) {
            log_warn(LOG_SCENE, "%s: layers[%zu].controls.%s: unknown key, ignored", file->path,
                     which, item->string);
            continue;
        }
        if (cJSON_IsNull(item))
            continue;
        cJSON *value = control_normalise(both ? "interpolation2d" : item->string, item, &why);
        if (!value)
            return error_set(err, "%s: layers[%zu].controls.%s: %s", file->path, which,
                             item->string, why.text);
        json_put(layer->controls, item->string, value);
    }
    return true;
}

static char *resolve(const char *path, const char *uri)
{
    const char *slash = strrchr(path, '/');
    if (uri[0] == '/' || strstr(uri, "://") || !slash)
        return xstrdup(uri);
    return xasprintf("%.*s/%s", (int)(slash - path), path, uri);
}

static bool read_layer(struct scene_file *file, size_t which, const cJSON *json, struct error *err)
{
    struct scene_file_layer *layer = &file->layers[which];
    layer->level = -1;
    layer->controls = cJSON_CreateObject();
    char where[64];
    snprintf(where, sizeof where, "layers[%zu]", which);
    if (!cJSON_IsObject(json))
        return error_set(err, "%s: %s: must be an object", file->path, where);
    warn_unknown(file, where, json, "type name source transform controls");
    const cJSON *type = get(json, "type"), *source = get(json, "source");
    if (type && (!cJSON_IsString(type) || strcmp(type->valuestring, "image") != 0))
        return error_set(err, "%s: %s.type: must be image", file->path, where);
    const char *uri = json_string(get(source, "uri"));
    if (!uri)
        return error_set(err, "%s: %s.source.uri: missing", file->path, where);
    layer->uri = resolve(file->path, uri);
    const cJSON *level = get(source, "level"), *index = get(source, "index");
    int64_t number;
    if (level) {
        if (!json_integer(level, &number) || number < 0 || number > 63)
            return error_set(err, "%s: %s.source.level: must be null or a level's number",
                             file->path, where);
        layer->level = (int32_t)number;
    }
    if (index && !read_index(file, which, index, layer, err))
        return false;
    if (!read_transform(file, which, get(json, "transform"), layer, err))
        return false;
    const cJSON *name = get(json, "name");
    if (name) {
        if (!json_string(name))
            return error_set(err, "%s: %s.name: must be a string", file->path, where);
        json_put_string(layer->controls, "name", name->valuestring);
    }
    const cJSON *controls = get(json, "controls");
    if (controls && !cJSON_IsObject(controls))
        return error_set(err, "%s: %s.controls: must be an object", file->path, where);
    return read_controls(file, which, controls, layer, err);
}

static bool read_all(struct scene_file *file, const cJSON *json, struct error *err)
{
    int64_t version;
    if (!cJSON_IsObject(json) || !json_integer(get(json, "oriel_scene"), &version))
        return error_set(err, "%s: is not a scene file: oriel_scene is missing", file->path);
    if (version != 1)
        return error_set(err, "%s: oriel_scene: version %lld is not known, only 1", file->path,
                         (long long)version);
    static const char *const objects[] = {"canvas", "dims", "camera"};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *item = get(json, objects[i]);
        if (item && !cJSON_IsObject(item))
            return error_set(err, "%s: %s: must be an object", file->path, objects[i]);
    }
    warn_unknown(file, "", json, "oriel_scene canvas dims camera layers volume");
    if (!read_canvas(file, get(json, "canvas"), err) || !read_dims(file, get(json, "dims"), err) ||
        !read_camera(file, get(json, "camera"), err))
        return false;
    const cJSON *volume_step = get(get(json, "volume"), "sample_step");
    double step;
    if (volume_step && (!json_number(volume_step, &step) || step < 0.1 || step > 4))
        return error_set(err, "%s: volume.sample_step: must be 0.1..4", file->path);
    file->volume_step = volume_step ? cJSON_Duplicate(volume_step, true) : NULL;
    const cJSON *layers = get(json, "layers");
    if (layers && !cJSON_IsArray(layers))
        return error_set(err, "%s: layers: must be a list", file->path);
    size_t count = (size_t)cJSON_GetArraySize(layers);
    file->layers = xcalloc(count, sizeof *file->layers);
    for (file->layer_count = 0; file->layer_count < count;) {
        size_t i = file->layer_count++;
        if (!read_layer(file, i, cJSON_GetArrayItem(layers, (int)i), err))
            return false;
    }
    return true;
}

struct scene_file *scene_file_parse(const cJSON *json, const char *path, struct error *err)
{
    struct scene_file *file = xcalloc(1, sizeof *file);
    file->path = xstrdup(path);
    file->level = -1;
    if (read_all(file, json, err))
        return file;
    scene_file_destroy(file);
    return NULL;
}

struct scene_file *scene_file_read(const char *path, struct error *err)
{
    size_t bytes = 0;
    char *text = slurp(path, &bytes, err);
    if (!text)
        return NULL;
    cJSON *json = json_parse(text, bytes, err);
    free(text);
    if (!json) {
        error_prefix(err, "%s", path);
        return NULL;
    }
    struct scene_file *file = scene_file_parse(json, path, err);
    cJSON_Delete(json);
    return file;
}

void scene_file_destroy(struct scene_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->layer_count; i++) {
        free(file->layers[i].uri);
        cJSON_Delete(file->layers[i].controls);
    }
    free(file->layers);
    free(file->path);
    cJSON_Delete(file->background);
    cJSON_Delete(file->step);
    cJSON_Delete(file->order);
    cJSON_Delete(file->camera);
    cJSON_Delete(file->volume_step);
    free(file);
}
