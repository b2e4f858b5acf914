/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/reference.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference_json.h"
#include "util/check.h"
#include "util/log.h"
#include "util/nearest.h"

#define PREFIX "NAPARI_CUDA_"

static bool number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end;
}

/* ---- values that do not go over as they are; false: the value makes no sense ---- */

typedef bool (*convert)(const char *text, char *out, size_t size);

static bool lower(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    for (char *at = out; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return true;
}

/* One path, whatever stands in it, as a list. */
static bool as_list(const char *text, char *out, size_t size)
{
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
    bool fits = cJSON_PrintPreallocated(list, out, (int)size, false);
    cJSON_Delete(list);
    return fits;
}

/* "none", "null" and what is not positive: no limit, which is the highest there is. */
static bool or_none(const char *text, char *out, size_t size)
{
    double value;
    bool none = strcasecmp(text, "none") == 0 || strcasecmp(text, "null") == 0;
    snprintf(out, size, "%s", none || (number(text, &value) && value <= 0) ? "1000000000" : text);
    return true;
}

/* 0 stands for "as the machine allows", which is our default. */
static bool unless_zero(const char *text, char *out, size_t size)
{
    double value;
    snprintf(out, size, "%s", number(text, &value) && value == 0 ? "" : text);
    return true;
}

static bool at_least_zero(const char *text, char *out, size_t size)
{
    double value;
    snprintf(out, size, "%s", number(text, &value) && value < 0 ? "0" : text);
    return true;
}

static bool at_least_one(const char *text, char *out, size_t size)
{
    double value;
    snprintf(out, size, "%s", number(text, &value) && value < 1 ? "1" : text);
    return true;
}

static bool seconds_to_ms(const char *text, char *out, size_t size)
{
    double seconds;
    if (!number(text, &seconds))
        return false;
    snprintf(out, size, "%.0f", seconds * 1000);
    return true;
}

/* A switch for 3-D; off says nothing about what NDISPLAY may ask for. */
static bool to_ndisplay(const char *text, char *out, size_t size)
{
    static const char *const off[] = {"0", "false", "no", "off", NULL};
    static const char *const on[] = {"1", "true", "yes", "on", NULL};
    for (int i = 0; off[i]; i++) {
        if (strcasecmp(text, off[i]) == 0 || strcasecmp(text, on[i]) == 0) {
            snprintf(out, size, "%s", strcasecmp(text, on[i]) == 0 ? "3" : "");
            return true;
        }
    }
    return false;
}

/* A level is named by its path in the store: "2", "level_02". */
static bool level(const char *text, char *out, size_t size)
{
    size_t end = strlen(text), start = end;
    while (start > 0 && isdigit((unsigned char)text[start - 1]))
        start--;
    if (start == end)
        return false;
    snprintf(out, size, "%lu", strtoul(text + start, NULL, 10));
    return true;
}

/* The share of the graphics memory that the reference gives a volume: half of what is left after a
 * reserve of a quarter, at least 1 GiB. */
static bool volume_of_memory(const char *text, char *out, size_t size)
{
    double mb;
    if (!number(text, &mb) || mb <= 0)
        return false;
    double reserve = mb / 4 > 1024 ? mb / 4 : 1024;
    double left = (mb - reserve) / 2;
    snprintf(out, size, "%.0f", (left > 1 ? left : 1) * 1048576);
    return true;
}

/* ---- the variables, in the order in which they win ---- */

static const struct row {
    const char *name; /* after NAPARI_CUDA_ */
    const char *key;  /* NULL: understood, without effect */
    convert convert;  /* NULL: as it is; an empty result sets nothing */
} rows[] = {
    {"HOST", "server.host", NULL},
    {"STATE_PORT", "server.port", NULL},
    {"PIXEL_PORT", "server.pixel_port", NULL},
    {"METRICS_PORT", "server.metrics_port", NULL},
    {"METRICS_REFRESH_MS", NULL, NULL},
    {"METRICS_WINDOW", NULL, NULL},
    {"ZARR_PATH", "data.open", as_list},
    {"ZARR_LEVEL", "view.open_level", level},
    {"ZARR_AXES", "data.axes", NULL},
    {"ZARR_Z", "view.open_z", NULL},
    {"DATA_ROOT", "data.root", NULL},
    {"WIDTH", "canvas.width", NULL},
    {"HEIGHT", "canvas.height", NULL},
    {"NDISPLAY", "view.ndisplay", NULL},
    {"USE_VOLUME", "view.ndisplay", to_ndisplay},
    {"ANIMATE", "render.animate", NULL},
    {"TURNTABLE_DPS", "render.animate_dps", NULL},
    {"FRAME_QUEUE_SIZE", NULL, NULL},
    {"FRAME_QUEUE", NULL, NULL},
    {"TARGET_FPS", "stream.fps", NULL},
    {"ENCODE_FPS", "stream.fps", NULL},
    {"ENCODE_BITRATE", "stream.bitrate", NULL},
    {"ENCODE_KEYINT", "stream.keyint", NULL},
    {"ENCODE_THREADS", "stream.threads", NULL},
    {"ENCODE_CODEC", NULL, NULL},
    {"ENCODER_INPUT_FORMAT", "stream.input_format", lower},
    {"ENCODER_RC_MODE", "stream.rc_mode", lower},
    {"ENCODER_PRESET", "stream.tier", lower},
    {"ENCODER_MAX_BITRATE", "stream.max_bitrate", or_none},
    {"ENCODER_LOOKAHEAD", "stream.lookahead", at_least_zero},
    {"ENCODER_AQ", "stream.aq", at_least_zero},
    {"ENCODER_TEMPORALAQ", "stream.temporal_aq", at_least_zero},
    {"ENCODER_NON_REF_P", "stream.non_ref_p", NULL},
    {"ENCODER_BFRAMES", "stream.bframes", at_least_zero},
    {"ENCODER_IDR_PERIOD", "stream.keyint", at_least_one},
    {"ENCODER_IDR_ON_RESET", NULL, NULL},
    {"PACKER", NULL, NULL},
    {"BITSTREAM_BUILD_CYTHON", NULL, NULL},
    {"BITSTREAM_DISABLE_FAST_PACK", NULL, NULL},
    {"BITSTREAM_ALLOW_PY_FALLBACK", NULL, NULL},
    {"ALLOW_PY_FALLBACK", NULL, NULL},
    {"DUMP_BITSTREAM", "debug.dump_bitstream", at_least_zero},
    {"DUMP_DIR", "debug.dump_dir", NULL},
    {"KF_WATCHDOG_COOLDOWN", "stream.key_cooldown_ms", seconds_to_ms},
    {"MAX_SLICE_BYTES", "data.max_slice_bytes", at_least_zero},
    {"VRAM_MB", "data.max_volume_bytes", volume_of_memory},
    {"GPU_NAME", NULL, NULL},
    {"MAX_VOLUME_BYTES", "data.max_volume_bytes", unless_zero},
    {"MAX_VOLUME_VOXELS", "data.max_volume_voxels", unless_zero},
    {"PROFILE", "preset", lower},
    {"PRESET", "preset", lower},
    {"LOG_LEVEL", "log.level", lower},
    {"SAVE_FRAMES", NULL, NULL},
    {"2D_PATTERN", NULL, NULL},
    {"2D_IMAGE", NULL, NULL},
    {"CAT_SCALE", NULL, NULL},
    {"LOG_DIR", NULL, NULL},
    {"SKIP_FRAMES", NULL, NULL},
    {"MOCK_GPU", NULL, NULL},
    {"MS_AUTO", NULL, NULL},
    {"MS_PRIME", NULL, NULL},
    {"USE_NAPARI_ADAPTER", NULL, NULL},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* Three variables hold JSON; what they say gives way to the plain variables. */
static const struct json_row {
    const char *name;
    const char *key; /* the section it is about */
    bool (*read)(struct settings *settings, const char *origin, const char *text,
                 struct error *err);
} json_rows[] = {
    {"DEBUG", "log.areas", reference_debug},
    {"POLICY_CONFIG", "lod", reference_policy},
    {"ENCODER_CONFIG", "stream", reference_encoder},
};

#define JSON_COUNT (sizeof json_rows / sizeof json_rows[0])

bool reference_variable(size_t index, const char **variable, const char **key)
{
    static _Thread_local char name[64];
    if (index >= ROW_COUNT + JSON_COUNT)
        return false;
    bool json = index >= ROW_COUNT;
    snprintf(name, sizeof name, PREFIX "%s",
             json ? json_rows[index - ROW_COUNT].name : rows[index].name);
    *variable = name;
    *key = json ? json_rows[index - ROW_COUNT].key : rows[index].key;
    if (!*key)
        *key = "";
    return true;
}

bool reference_set(struct settings *settings, const char *name, const char *origin,
                   const char *text, struct error *err)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        char value[4096];
        if (strlen(text) >= sizeof value)
            return error_set(err, "%s: is too long", origin);
        if (!rows[i].convert)
            strcpy(value, text);
        else if (!rows[i].convert(text, value, sizeof value))
            return error_set(err, "%s: \"%s\" makes no sense there", origin, text);
        if (!rows[i].key)
            log_debug(LOG_CONFIG, "%s: has no effect here", origin);
        else if (value[0])
            settings_add_text(settings, rows[i].key, value, origin);
        return true;
    }
    CHECK(!"a row of that name");
    return false;
}

static const char *find(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (char **at = environment; *at; at++) {
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=' && (*at)[length + 1])
            return *at + length + 1;
    }
    return NULL;
}

bool reference_read(struct settings *settings, char **environment, struct error *err)
{
    for (size_t i = 0; i < JSON_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, PREFIX "%s", json_rows[i].name);
        const char *text = find(environment, name);
        if (text && !json_rows[i].read(settings, name, text, err))
            return false;
    }
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, PREFIX "%s", rows[i].name);
        const char *text = find(environment, name);
        if (text && !reference_set(settings, rows[i].name, name, text, err))
            return false;
    }
    return true;
}
