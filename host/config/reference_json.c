/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/reference_json.h"

#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "util/check.h"
#include "util/log.h"
#include "util/nearest.h"

/* What a member of such an object means. */
struct member {
    const char *path; /* "runtime.rc_mode" */
    const char *key;  /* our key; NULL with `name` NULL: no effect */
    const char *name; /* or the variable that says the same: NAPARI_CUDA_<name> */
};

static char *text_of(const cJSON *json)
{
    if (cJSON_IsString(json))
        return xstrdup(json->valuestring);
    char *text = cJSON_PrintUnformatted(json);
    CHECK(text);
    return text;
}

static bool read_member(struct settings *settings, const char *origin, const char *path,
                        const cJSON *json, const struct member *members, size_t count,
                        struct error *err)
{
    struct nearest nearest = nearest_begin(path);
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, members[i].path);
        if (strcmp(members[i].path, path) != 0)
            continue;
        if (cJSON_IsNull(json))
            return true;
        if (!members[i].key && !members[i].name) {
            log_debug(LOG_CONFIG, "%s: %s has no effect here", origin, path);
            return true;
        }
        char *text = text_of(json);
        bool ok = true;
        if (members[i].name)
            ok = reference_set(settings, members[i].name, origin, text, err);
        else
            settings_add_text(settings, members[i].key, text, origin);
        free(text);
        return ok;
    }
    return error_set(err, "%s: unknown member %s%s", origin, path, nearest_hint(&nearest));
}

static bool known_group(const char *path, const struct member *members, size_t count)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(members[i].path, path, length) == 0 && members[i].path[length] == '.')
            return true;
    }
    return false;
}

static bool read_members(struct settings *settings, const char *origin, const char *prefix,
                         const cJSON *object, const struct member *members, size_t count,
                         struct error *err)
{
    for (const cJSON *json = object->child; json; json = json->next) {
        char *path = xasprintf("%s%s%s", prefix, prefix[0] ? "." : "", json->string);
        bool ok = cJSON_IsObject(json) && known_group(path, members, count)
                      ? read_members(settings, origin, path, json, members, count, err)
                      : read_member(settings, origin, path, json, members, count, err);
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_object(struct settings *settings, const char *origin, const char *text,
                        const struct member *members, size_t count, struct error *err)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    bool ok = cJSON_IsObject(json) ? read_members(settings, origin, "", json, members, count, err)
                                   : error_set(err, "%s: wants a JSON object", origin);
    cJSON_Delete(json);
    return ok;
}

/* As with the reference, fine_threshold is never below threshold_in. */
static void raise_fine_threshold(struct settings *settings, const char *origin)
{
    const struct setting *in = settings_find(settings, "lod.threshold_in");
    const struct setting *fine = settings_find(settings, "lod.fine_threshold");
    const char *least = fine ? fine->text : "1.05";
    if (in && strtod(in->text, NULL) > strtod(least, NULL))
        settings_add_text(settings, "lod.fine_threshold", in->text, origin);
}

bool reference_policy(struct settings *settings, const char *origin, const char *text,
                      struct error *err)
{
    static const struct member members[] = {
        {"threshold_in", "lod.threshold_in", NULL},
        {"threshold_out", "lod.threshold_out", NULL},
        {"hysteresis", "lod.hysteresis", NULL},
        {"fine_threshold", "lod.fine_threshold", NULL},
        {"cooldown_ms", "lod.cooldown_ms", NULL},
        {"sticky_contrast", NULL, NULL},
        {"oversampling", NULL, NULL},
    };
    if (!read_object(settings, origin, text, members, sizeof members / sizeof members[0], err))
        return false;
    raise_fine_threshold(settings, origin);
    return true;
}

bool reference_encoder(struct settings *settings, const char *origin, const char *text,
                       struct error *err)
{
    static const struct member members[] = {
        {"runtime.input_format", NULL, "ENCODER_INPUT_FORMAT"},
        {"runtime.rc_mode", NULL, "ENCODER_RC_MODE"},
        {"runtime.preset", NULL, "ENCODER_PRESET"},
        {"runtime.max_bitrate", NULL, "ENCODER_MAX_BITRATE"},
        {"runtime.lookahead", NULL, "ENCODER_LOOKAHEAD"},
        {"runtime.aq", NULL, "ENCODER_AQ"},
        {"runtime.temporalaq", NULL, "ENCODER_TEMPORALAQ"},
        {"runtime.non_ref_p", NULL, "ENCODER_NON_REF_P"},
        {"runtime.bframes", NULL, "ENCODER_BFRAMES"},
        {"runtime.idr_period", NULL, "ENCODER_IDR_PERIOD"},
        {"bitstream.build_cython", NULL, NULL},
        {"bitstream.disable_fast_pack", NULL, NULL},
        {"bitstream.allow_py_fallback", NULL, NULL},
        {"dump_bitstream", NULL, "DUMP_BITSTREAM"},
        {"dump_dir", NULL, "DUMP_DIR"},
        {"idr_on_reset", NULL, NULL},
        {"packer", NULL, NULL},
    };
    return read_object(settings, origin, text, members, sizeof members / sizeof members[0], err);
}

/* ---- NAPARI_CUDA_DEBUG ---- */

static bool one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcasecmp(text, *words) == 0)
            return true;
    }
    return false;
}

static bool debug_area(struct settings *settings, const char *origin, const char *flag,
                       struct error *err)
{
    struct nearest nearest = nearest_begin(flag);
    for (int i = 0; i < LOG_AREA_COUNT; i++) {
        const char *area = log_area_name((enum log_area)i);
        nearest_offer(&nearest, area);
        if (strcasecmp(area, flag) == 0) {
            char *key = xasprintf("log.areas.%s", area);
            settings_add_text(settings, key, "debug", origin);
            free(key);
            return true;
        }
    }
    return error_set(err, "%s: unknown flag \"%s\"%s", origin, flag, nearest_hint(&nearest));
}

static bool debug_flags(struct settings *settings, const char *origin, const char *flags,
                        struct error *err)
{
    char *copy = xstrdup(flags), *rest = copy;
    bool ok = true;
    for (char *flag; ok && (flag = strtok_r(rest, ", \t", &rest));)
        ok = debug_area(settings, origin, flag, err);
    free(copy);
    return ok;
}

static bool debug_flags_json(struct settings *settings, const char *origin, const cJSON *flags,
                             struct error *err)
{
    if (cJSON_IsString(flags))
        return debug_flags(settings, origin, flags->valuestring, err);
    if (!cJSON_IsArray(flags))
        return error_set(err, "%s: flags wants a list of names", origin);
    for (const cJSON *flag = flags->child; flag; flag = flag->next) {
        if (!cJSON_IsString(flag))
            return error_set(err, "%s: flags wants a list of names", origin);
        if (!debug_area(settings, origin, flag->valuestring, err))
            return false;
    }
    return true;
}

static bool debug_object(struct settings *settings, const char *origin, cJSON *json,
                         struct error *err)
{
    static const struct member members[] = {
        {"enabled", NULL, NULL},
        {"dumps.frames", NULL, NULL},
        {"dumps.dir", "debug.dump_dir", NULL},
        {"dumps.raw_frames", NULL, NULL},
        {"dumps.flip", NULL, NULL},
        {"worker.lock_level", "lod.lock", NULL},
        {"worker.layer_interpolation", "render.interpolation_2d", NULL},
        {"worker.roi_edge_threshold", NULL, NULL},
        {"worker.force_tight_pitch", NULL, NULL},
        {"worker.orbit_el_min", NULL, NULL},
        {"worker.orbit_el_max", NULL, NULL},
    };
    cJSON *flags = cJSON_DetachItemFromObjectCaseSensitive(json, "flags");
    bool ok = !flags || debug_flags_json(settings, origin, flags, err);
    ok = ok &&
         read_members(settings, origin, "", json, members, sizeof members / sizeof members[0], err);
    cJSON_Delete(flags);
    return ok;
}

bool reference_debug(struct settings *settings, const char *origin, const char *text,
                     struct error *err)
{
    static const char *const on[] = {"1", "true", "yes", "on", NULL};
    static const char *const off[] = {"0", "false", "no", "off", NULL};
    if (one_of(text, off))
        return true;
    if (one_of(text, on)) {
        settings_add_text(settings, "log.level", "debug", origin);
        return true;
    }
    if (text[0] != '{' && text[0] != '[')
        return debug_flags(settings, origin, text, err);
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    bool ok;
    if (cJSON_IsObject(json)) {
        ok = debug_object(settings, origin, json, err);
    } else if (cJSON_IsArray(json)) {
        ok = debug_flags_json(settings, origin, json, err);
    } else {
        ok = error_set(err, "%s: not valid JSON", origin);
    }
    cJSON_Delete(json);
    return ok;
}
