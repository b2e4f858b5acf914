/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_dataset.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/check.h"

struct dataset {
    atomic_int references;
    uint64_t key;
    char *uri;
    char options[256];
    struct oriel_source_info info;
    struct oriel_axis axes[ORIEL_MAX_AXES];
    char names[ORIEL_MAX_AXES][2];
    struct oriel_source_level levels[8];
    struct oriel_source_channel channels[16];
    char label_text[256], unit[32];
    const char *images[8];
};

static atomic_int alive;
static atomic_ullong keys;

int fake_dataset_alive(void)
{
    return alive;
}

static const char *option(const char *uri, const char *key)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, ":%s=", key);
    const char *at = strstr(uri, pattern);
    return at ? at + strlen(pattern) : NULL;
}

static uint32_t dtype_of(const char *name)
{
    static const char *const names[] = {"u8",  "u16", "u32", "u64", "i8",  "i16",
                                        "i32", "i64", "f16", "f32", "f64", "bool"};
    for (uint32_t i = 0; i < 12; i++) {
        size_t n = strlen(names[i]);
        if (strncmp(name, names[i], n) == 0 && (name[n] == ':' || !name[n]))
            return i + 1;
    }
    return 0;
}

static void numbers(const char *text, double *out, uint32_t count)
{
    for (uint32_t i = 0; text && i < count; i++) {
        char *end;
        out[i] = strtod(text, &end);
        text = *end == ',' ? end + 1 : end;
    }
}

static void channels(struct dataset *d, const char *uri)
{
    const char *colors = option(uri, "colors"), *labels = option(uri, "labels");
    if (d->info.channel_axis < 0 || (!colors && !labels && !option(uri, "window")))
        return;
    uint32_t n = (uint32_t)d->levels[0].shape[d->info.channel_axis];
    d->info.channel_count = n < 16 ? n : 16;
    d->info.channels = d->channels;
    snprintf(d->label_text, sizeof d->label_text, "%s", labels ? labels : "");
    char *label = d->label_text;
    for (uint32_t i = 0; i < d->info.channel_count; i++) {
        struct oriel_source_channel *c = &d->channels[i];
        c->active = 1;
        size_t length = strcspn(label, ",:");
        char *next = label + length + (label[length] == ',');
        label[length] = '\0';
        c->label = label;
        label = next;
        if (colors) {
            c->has_color = 1;
            c->color = (uint32_t)strtoul(colors, NULL, 16);
            colors = strchr(colors, ',') ? strchr(colors, ',') + 1 : colors;
        }
        if (option(uri, "window")) {
            numbers(option(uri, "window"), c->window, 2);
            c->has_window = 1;
        }
    }
}

struct dataset *dataset_open(struct registry *registry, const char *uri, struct error *err)
{
    (void)registry;
    char line[256];
    const char *name = uri;
    size_t length = strlen(uri);
    FILE *file = length > 4 && strcmp(uri + length - 4, ".mem") == 0 ? fopen(uri, "r") : NULL;
    if (file && fgets(line, sizeof line, file))
        uri = line;
    if (file)
        fclose(file);
    if (strncmp(uri, "mem:", 4) != 0) {
        error_set(err, "%s: no source can open it", uri);
        return NULL;
    }
    struct dataset *d = xcalloc(1, sizeof *d);
    atomic_init(&d->references, 1);
    alive++;
    d->key = ++keys;
    d->uri = xstrdup(name);
    snprintf(d->options, sizeof d->options, "%s", uri);
    double wait_ms = 0;
    numbers(option(uri, "wait"), &wait_ms, 1);
    usleep((useconds_t)(wait_ms * 1000));
    d->info = (struct oriel_source_info){.size = sizeof d->info,
                                         .kind = "mem",
                                         .format = "memory",
                                         .name = "",
                                         .axes = d->axes,
                                         .levels = d->levels,
                                         .level_count = 1,
                                         .channel_axis = -1};
    const char *collection = option(uri, "collection");
    if (collection && !strstr(uri, "/")) {
        d->info.image_count = (uint32_t)atoi(collection);
        d->info.images = d->images;
        for (int i = 0; i < 8; i++)
            d->images[i] = "first";
        return d;
    }
    const char *axes = uri + 4, *shape = strchr(axes, ':') + 1, *dtype = strchr(shape, ':') + 1;
    d->info.ndim = (uint32_t)(shape - 1 - axes);
    d->info.dtype = dtype_of(dtype);
    double size[ORIEL_MAX_AXES] = {0}, scale[ORIEL_MAX_AXES], translate[ORIEL_MAX_AXES] = {0};
    for (int a = 0; a < (int)ORIEL_MAX_AXES; a++)
        scale[a] = 1;
    numbers(shape, size, d->info.ndim);
    numbers(option(uri, "scale"), scale, d->info.ndim);
    numbers(option(uri, "translate"), translate, d->info.ndim);
    if (option(uri, "levels"))
        d->info.level_count = (uint32_t)atoi(option(uri, "levels"));
    if (option(uri, "unit"))
        sscanf(option(uri, "unit"), "%31[a-z]", d->unit);
    for (uint32_t a = 0; a < d->info.ndim; a++) {
        bool space = strchr("xyz", axes[a]);
        d->names[a][0] = axes[a] == '_' ? '\0' : axes[a];
        d->axes[a] = (struct oriel_axis){.name = d->names[a],
                                         .type = space            ? "space"
                                                 : axes[a] == 'c' ? "channel"
                                                 : axes[a] == 't' ? "time"
                                                                  : "",
                                         .unit = space ? d->unit : ""};
        if (axes[a] == 'c')
            d->info.channel_axis = (int32_t)a;
        for (uint32_t l = 0; l < d->info.level_count; l++) {
            struct oriel_source_level *level = &d->levels[l];
            uint64_t factor = space ? 1u << l : 1;
            level->path = "0\0"
                          "1\0"
                          "2\0"
                          "3\0"
                          "4\0"
                          "5\0"
                          "6\0"
                          "7" +
                          2 * l;
            level->codecs = "";
            level->shape[a] = ((uint64_t)size[a] + factor - 1) / factor;
            level->chunk[a] = level->shape[a] < 64 ? level->shape[a] : 64;
            level->scale[a] = scale[a] * (double)factor;
            level->translate[a] = translate[a];
        }
    }
    channels(d, uri);
    return d;
}

struct dataset *dataset_ref(struct dataset *dataset)
{
    dataset->references++;
    return dataset;
}

void dataset_unref(struct dataset *dataset)
{
    if (!dataset || --dataset->references > 0)
        return;
    free(dataset->uri);
    free(dataset);
    alive--;
}

const char *dataset_uri(const struct dataset *dataset)
{
    return dataset->uri;
}

const char *dataset_module(const struct dataset *dataset)
{
    (void)dataset;
    return "source/mem";
}

uint64_t dataset_key(const struct dataset *dataset)
{
    return dataset->key;
}

const struct oriel_source_info *dataset_info(const struct dataset *dataset)
{
    return &dataset->info;
}

static void store(uint32_t dtype, void *out, uint64_t i, double v)
{
    switch (dtype) {
    case ORIEL_U16:
        ((uint16_t *)out)[i] = (uint16_t)v;
        break;
    case ORIEL_I16:
        ((int16_t *)out)[i] = (int16_t)v;
        break;
    case ORIEL_F32:
        ((float *)out)[i] = (float)v;
        break;
    default:
        ((uint8_t *)out)[i] = (uint8_t)v;
    }
}

oriel_result dataset_read(struct dataset *dataset, struct oriel_read *read, struct error *err)
{
    const struct oriel_source_info *info = &dataset->info;
    if (strstr(dataset->uri, ":broken=")) {
        error_set(err, "%s: chunk 0/0 is corrupt", dataset->uri);
        return ORIEL_IO;
    }
    double wait_ms = 0;
    numbers(option(dataset->options, "slow"), &wait_ms, 1);
    usleep((useconds_t)(wait_ms * 1000));
    uint64_t at[ORIEL_MAX_AXES] = {0};
    for (uint64_t i = 0; i < read->out_bytes / dtype_bytes(info->dtype); i++) {
        double sum = 0;
        for (uint32_t a = 0; a < info->ndim; a++)
            sum += (double)(read->origin[a] + at[a]) * info->levels[read->level].scale[a] /
                   info->levels[0].scale[a];
        store(info->dtype, read->out, i, sum);
        for (uint32_t a = info->ndim; a-- > 0 && ++at[a] == read->shape[a];)
            at[a] = 0;
    }
    return ORIEL_OK;
}
