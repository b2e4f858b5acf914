/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

const struct oriel_encoder *module_open(const char *id, const struct oriel_module_info **info)
{
    const char *folder = getenv("ORIEL_MODULE_PATH");
    assert_non_null(folder);
    char path[512];
    snprintf(path, sizeof(path), "%s/encode-%s.so", folder, strchr(id, '/') + 1);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        print_message("%s is left out: %s\n", id, dlerror());
        return NULL;
    }
    const struct oriel_entry *entry = dlsym(handle, ORIEL_ENTRY_SYMBOL);
    assert_non_null(entry);
    assert_true(entry->magic == ORIEL_MAGIC);
    assert_string_equal(entry->info->id, id);
    assert_null(entry->get_factory("oriel.nothing/1"));
    const struct oriel_encoder *encoder = entry->get_factory(ORIEL_ENCODER_V1);
    assert_non_null(encoder);
    assert_true(encoder->size >= sizeof(*encoder));
    if (info)
        *info = entry->info;
    return encoder;
}

static const char *option_value(const struct oriel_config *config, const char *name, bool number)
{
    const struct options *options = config->data;
    for (uint32_t i = 0; i < options->table->count; i++) {
        const struct oriel_option *option = &options->table->options[i];
        if (strcmp(option->name, name) == 0) {
            bool text = option->type == ORIEL_OPT_STRING || option->type == ORIEL_OPT_ENUM;
            if (text == number)
                fail_msg("option %s asked for by the wrong type", name);
            return options->values[i];
        }
    }
    fail_msg("unknown option %s", name);
    return "";
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    const char *value = option_value(config, name, true);
    return strcmp(value, "true") == 0 ? 1 : strtoll(value, NULL, 10);
}

static double get_float(const struct oriel_config *config, const char *name)
{
    return strtod(option_value(config, name, true), NULL);
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    return option_value(config, name, false);
}

static void option_set(struct options *options, const char *name, const char *value)
{
    for (uint32_t i = 0; i < options->table->count; i++)
        if (strcmp(options->table->options[i].name, name) == 0) {
            free(options->values[i]);
            options->values[i] = strdup(value);
            return;
        }
    fail_msg("no option %s", name);
}

static void options_apply(struct options *options, const char *set)
{
    char *list = strdup(set ? set : ""), *rest = list, *item;
    while ((item = strtok_r(rest, " ", &rest))) {
        char *equals = strchr(item, '=');
        *equals = '\0';
        option_set(options, item, equals + 1);
    }
    free(list);
}

void options_init(struct options *options, const struct oriel_option_table *table, const char *set)
{
    memset(options, 0, sizeof(*options));
    assert_true(table->count <= 32);
    options->table = table;
    for (uint32_t i = 0; i < table->count; i++)
        options->values[i] = strdup(table->options[i].default_value);
    options_apply(options, set);
    options->config = (struct oriel_config){.size = sizeof(options->config),
                                            .get_int = get_int,
                                            .get_float = get_float,
                                            .get_string = get_string,
                                            .data = options};
}

void options_finish(struct options *options)
{
    for (uint32_t i = 0; options->table && i < options->table->count; i++)
        free(options->values[i]);
}

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    if (level <= ORIEL_LOG_ERROR || getenv("ORIEL_TEST_VERBOSE"))
        print_message("  [%u] %s\n", level, text);
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    struct rig *rig = host->data;
    snprintf(rig->failure, sizeof(rig->failure), "%s", text);
    return result;
}

static int64_t host_now(const struct oriel_host *host)
{
    (void)host;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void keep_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    struct rig *rig = sink->data;
    rig->packets = realloc(rig->packets, (rig->count + 1) * sizeof(*rig->packets));
    struct kept_packet *kept = &rig->packets[rig->count++];
    kept->packet = *packet;
    kept->data = malloc(packet->bytes);
    memcpy(kept->data, packet->data, packet->bytes);
    kept->packet.data = kept->data;
}

void rig_prepare(struct rig *rig, const struct oriel_encoder *encoder, const char *set)
{
    memset(rig, 0, sizeof(*rig));
    rig->encoder = encoder;
    rig->host = (struct oriel_host){.size = sizeof(rig->host),
                                    .abi_minor = ORIEL_ABI_MINOR,
                                    .data = rig,
                                    .log = host_log,
                                    .fail = host_fail,
                                    .now_ns = host_now};
    rig->sink =
        (struct oriel_packet_sink){.size = sizeof(rig->sink), .packet = keep_packet, .data = rig};
    options_init(&rig->options, encoder->options, set);
}

oriel_result rig_create(struct rig *rig, const struct oriel_encoder *encoder, const char *set,
                        const struct oriel_format *format, double fps)
{
    rig_prepare(rig, encoder, set);
    return encoder->create(&rig->host, &rig->options.config, format, fps, &rig->sink, &rig->self);
}

oriel_result rig_encode(struct rig *rig, const struct oriel_frame *frame, uint32_t flags)
{
    return rig->encoder->encode(rig->self, frame, flags);
}

oriel_result rig_set(struct rig *rig, const char *set)
{
    options_apply(&rig->options, set);
    return rig->encoder->reconfigure(rig->self, &rig->options.config);
}

void rig_forget_packets(struct rig *rig)
{
    for (size_t i = 0; i < rig->count; i++)
        free(rig->packets[i].data);
    free(rig->packets);
    rig->packets = NULL;
    rig->count = 0;
}

void rig_finish(struct rig *rig)
{
    rig->encoder->destroy(rig->self);
    rig_forget_packets(rig);
    options_finish(&rig->options);
}
