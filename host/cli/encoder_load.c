/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/encoder_load.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "module/folders.h"
#include "module/inspect.h"
#include "module/services.h"
#include "pixel/codec.h"
#include "util/check.h"

#define MAX_SETS 128
#define ORIGIN "encode/remote.options"

/* --- the options --- */

/* The configuration of this process: what the line says of the module, and rates of the stream that
 * options of the same name take. */
static struct config *read_config(const char *id, const struct encoder_wish *wish,
                                  struct error *err)
{
    const char *sets[MAX_SETS], *origins[MAX_SETS];
    char *own[MAX_SETS];
    size_t count = 0;
    const struct {
        const char *key;
        int64_t value;
    } rates[] = {{"stream.bitrate", wish->bitrate},
                 {"stream.max_bitrate", wish->max_bitrate},
                 {"stream.keyint", wish->keyint}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (rates[i].value > 0)
            own[count++] = xasprintf("%s=%" PRId64, rates[i].key, rates[i].value);
    char *copy = xstrdup(wish->options), *rest = copy, *item;
    while ((item = strsep(&rest, " \t\n")) && count < MAX_SETS)
        if (*item)
            own[count++] = xasprintf("%s.%s", id, item);
    for (size_t i = 0; i < count; i++) {
        sets[i] = own[i];
        origins[i] = ORIGIN;
    }
    struct config *config =
        item
            ? (error_set(err, "%s: more than %d options", ORIGIN, MAX_SETS), NULL)
            : config_create(
                  &(struct config_inputs){.sets = sets, .set_origins = origins, .set_count = count},
                  err);
    for (size_t i = 0; i < count; i++)
        free(own[i]);
    free(copy);
    return config;
}

static const struct oriel_config *read_options(const struct encoder_load *load,
                                               const struct config *config, struct error *err)
{
    const struct oriel_option_table *table = inspect_options(load->use.vtable);
    if (!config_check_options(config, load->module.id, table, err))
        return NULL;
    return config_for_module(config, load->module.id, module_kind_section(MODULE_ENCODER), table,
                             err);
}

static bool same_value(const struct oriel_option *option, const struct oriel_config *a,
                       const struct oriel_config *b)
{
    switch (option->type) {
    case ORIEL_OPT_FLOAT: {
        double x = a->get_float(a, option->name), y = b->get_float(b, option->name);
        return memcmp(&x, &y, sizeof x) == 0;
    }
    case ORIEL_OPT_STRING:
    case ORIEL_OPT_ENUM:
        return strcmp(a->get_string(a, option->name), b->get_string(b, option->name)) == 0;
    default:
        return a->get_int(a, option->name) == b->get_int(b, option->name);
    }
}

bool encoder_load_options(struct encoder_load *load, const struct encoder_wish *wish,
                          struct error *err)
{
    const struct oriel_option_table *table = inspect_options(load->use.vtable);
    struct config *config = read_config(load->module.id, wish, err);
    const struct oriel_config *options = config ? read_options(load, config, err) : NULL;
    bool ok = options;
    for (uint32_t i = 0; ok && table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (!(option->flags & ORIEL_OPT_LIVE) && !same_value(option, options, load->options))
            ok = error_set(err, "%s.%s cannot change while it runs", load->module.id, option->name);
    }
    if (!ok) {
        config_for_module_free(options);
        config_destroy(config);
        return false;
    }
    config_for_module_free(load->options);
    config_destroy(load->config);
    load->options = options;
    load->config = config;
    return true;
}

/* --- the codec and the format, as the host chooses them where an encoder runs inside of it --- */

static int64_t chosen_int(const struct oriel_config *config, const char *name)
{
    const struct encoder_load *load = config->data;
    return load->options->get_int(load->options, name);
}

static double chosen_float(const struct oriel_config *config, const char *name)
{
    const struct encoder_load *load = config->data;
    return load->options->get_float(load->options, name);
}

static const char *chosen_string(const struct oriel_config *config, const char *name)
{
    const struct encoder_load *load = config->data;
    if (load->codec_name && strcmp(name, "codec") == 0)
        return load->codec_name;
    return load->options->get_string(load->options, name);
}

static bool has_codec_option(const struct oriel_encoder *encoder)
{
    for (uint32_t i = 0; encoder->options && i < encoder->options->count; i++)
        if (strcmp(encoder->options->options[i].name, "codec") == 0)
            return true;
    return false;
}

static bool choose_codec(struct encoder_load *load, uint32_t wanted, struct error *err)
{
    const struct oriel_encoder *encoder = load->use.vtable;
    const struct codec *codec = codec_find(wanted);
    bool option = has_codec_option(encoder);
    char list[128] = "";
    uint32_t fourcc;
    for (uint32_t i = 0; i < 64 && encoder->codec(i, &fourcc) == ORIEL_OK; i++) {
        const struct codec *written = codec_find(fourcc);
        size_t n = strlen(list);
        if (codec && fourcc == wanted) {
            load->codec_name = option ? codec->name : NULL;
            return true;
        }
        if (written)
            snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", written->name);
        if (!option)
            break; /* then it writes its first one, whatever else it knows */
    }
    return error_set(err, "%s does not write %s but %s: encode/remote.codec says which",
                     load->module.id, codec ? codec->name : "that", *list ? list : "nothing");
}

/* As the option input_format says it. */
static const char *samples_name(uint32_t fourcc)
{
    return fourcc == ORIEL_FMT_I420   ? "i420"
           : fourcc == ORIEL_FMT_NV12 ? "nv12"
           : fourcc == ORIEL_FMT_I444 ? "yuv444"
           : fourcc == ORIEL_FMT_P010 ? "p010"
           : fourcc == ORIEL_FMT_RGBA ? "rgba"
                                      : "other";
}

static bool check_format(const struct encoder_load *load, const struct oriel_format *format,
                         struct error *err)
{
    const struct oriel_encoder *encoder = load->use.vtable;
    struct oriel_format f;
    char list[128] = "";
    for (uint32_t i = 0; i < 64 && encoder->input_format(i, &f) == ORIEL_OK; i++) {
        if (f.domain != ORIEL_DOMAIN_CPU)
            continue;
        if (f.fourcc == format->fourcc && f.matrix == format->matrix &&
            (!f.full_range || f.full_range == format->full_range))
            return true;
        size_t n = strlen(list);
        const char *name = samples_name(f.fourcc);
        if (!strstr(list, name))
            snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", name);
    }
    if (!*list)
        return error_set(err, "%s takes no pictures in the memory of the host", load->module.id);
    return error_set(err,
                     "%s takes no %s pictures with matrix %u but %s: encode/remote.input_format "
                     "says which",
                     load->module.id, samples_name(format->fourcc), format->matrix, list);
}

/* --- the file --- */

/* ".../encode-x264.so" for "encode/x264". */
static bool find_named(const struct config *config, const char *id, char path[PATH_MAX])
{
    struct folders folders;
    struct error err;
    bool found = false;
    if (!folders_find(&folders, config, &err))
        return false;
    for (size_t i = 0; i < folders.count && !found; i++) {
        int n = snprintf(path, PATH_MAX, "%s/", folders.at[i]);
        n += snprintf(path + n, (size_t)(PATH_MAX - n), "%s.so", id);
        char *slash = n < PATH_MAX ? strrchr(path, '/') : NULL;
        if (slash)
            *slash = '-';
        found = slash && access(path, R_OK) == 0;
    }
    folders_finish(&folders);
    return found;
}

/* Whatever its file is called. One that is quarantined may run here, where it harms nobody. */
static bool find_any(const struct config *config, const char *id, char path[PATH_MAX],
                     struct error *err)
{
    struct registry *registry = registry_create(config, err);
    const struct module *module = registry ? registry_find(registry, id) : NULL;
    bool found = module && snprintf(path, PATH_MAX, "%s", module->path) < PATH_MAX;
    if (registry && !found)
        registry_usable(registry, MODULE_ENCODER, id, err);
    registry_destroy(registry);
    return found;
}

static const struct oriel_entry *load_file(struct encoder_load *load, const char *path,
                                           struct error *err)
{
    bool missing;
    snprintf(load->path, sizeof load->path, "%s", path);
    load->callee = (struct callee){.id = load->path, .path = load->path, .record = ""};
    load->use.callee = &load->callee;
    const struct oriel_entry *entry =
        MODULE_CALL(&load->use, "loading", inspect_load(path, &missing, err));
    if (!entry)
        return NULL;
    load->callee.id = load->module.id = entry->info->id;
    load->module.path = load->path;
    load->use.module = &load->module;
    return entry;
}

static const struct oriel_entry *find(struct encoder_load *load, const char *module,
                                      struct error *err)
{
    char path[PATH_MAX];
    size_t length = strlen(module);
    bool file =
        *module == '/' || *module == '.' || (length > 3 && strcmp(module + length - 3, ".so") == 0);
    if (file)
        return load_file(load, module, err);
    struct config *config = config_create(&(struct config_inputs){.environment = environ}, err);
    if (!config)
        return NULL;
    const struct oriel_entry *entry = NULL;
    if (find_named(config, module, path))
        entry = load_file(load, path, err);
    if ((!entry || strcmp(entry->info->id, module) != 0) && find_any(config, module, path, err))
        entry = load_file(load, path, err);
    config_destroy(config);
    if (entry && strcmp(entry->info->id, module) == 0)
        return entry;
    return entry ? (error_set(err, "%s: is %s", path, entry->info->id), NULL) : NULL;
}

bool encoder_load(struct encoder_load *load, const struct encoder_wish *wish, struct error *err)
{
    *load = (struct encoder_load){0};
    const struct oriel_entry *entry = find(load, wish->module, err);
    if (!entry)
        return false;
    const char *id = entry->info->id;
    call_add_callee(&load->callee, entry);
    load->use.host = services_create(id);
    if (entry->init && MODULE_CALL(&load->use, "init", entry->init(load->use.host)) != ORIEL_OK)
        return error_set(err, "%s: its init() failed: %s", id, services_failure());
    const struct oriel_encoder *encoder =
        MODULE_CALL(&load->use, "get_factory", inspect_vtable(entry, MODULE_ENCODER, err));
    if (!encoder)
        return *err->text ? error_prefix(err, "%s", id) : error_set(err, "%s is no encoder", id);
    load->use.vtable = encoder;
    load->config = read_config(id, wish, err);
    load->options = load->config ? read_options(load, load->config, err) : NULL;
    load->chosen = (struct oriel_config){.size = sizeof load->chosen,
                                         .get_int = chosen_int,
                                         .get_float = chosen_float,
                                         .get_string = chosen_string,
                                         .data = load};
    load->use.config = &load->chosen;
    if (load->options && choose_codec(load, wish->codec, err) &&
        check_format(load, wish->format, err))
        return true;
    load->use.vtable = NULL;
    return false;
}

void encoder_load_finish(struct encoder_load *load)
{
    services_destroy(load->use.host);
    config_for_module_free(load->options);
    config_destroy(load->config);
    *load = (struct encoder_load){0};
}
