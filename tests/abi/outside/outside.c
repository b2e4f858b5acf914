/* SPDX-License-Identifier: BSD-3-Clause */
/* A source that opens nothing: what the smallest module of another project looks like. */
#include "oriel/source.h"

static uint32_t probe(const struct oriel_host *host, const char *uri)
{
    (void)host;
    (void)uri;
    return 0;
}

static oriel_result open_source(const struct oriel_host *host, const struct oriel_config *config,
                                const char *uri, void **self)
{
    (void)config;
    (void)uri;
    (void)self;
    return host->fail(host, ORIEL_UNSUPPORTED, "opens nothing");
}

static void close_source(void *self)
{
    (void)self;
}

static oriel_result describe(void *self, const struct oriel_source_info **info)
{
    (void)self;
    (void)info;
    return ORIEL_UNSUPPORTED;
}

static oriel_result read_source(void *self, struct oriel_read *read)
{
    (void)self;
    (void)read;
    return ORIEL_UNSUPPORTED;
}

static const struct oriel_option option_list[] = {
    {.name = "rows",
     .default_value = "4",
     .help = "Rows of nothing.",
     .min = 1,
     .max = 9,
     .type = ORIEL_OPT_INT},
};

static const struct oriel_option_table options = {sizeof options, 1, option_list};

static const struct oriel_source source = {
    .size = sizeof source,
    .options = &options,
    .probe = probe,
    .open = open_source,
    .close = close_source,
    .describe = describe,
    .read = read_source,
};

static const void *get_factory(const char *id)
{
    const char *own = ORIEL_SOURCE_V1;
    while (*id && *id == *own) {
        id++;
        own++;
    }
    return *id == *own ? &source : NULL;
}

static const struct oriel_module_info info = {
    .size = sizeof info,
    .id = "org.example/outside",
    .version = "0.1.0",
    .vendor = "Example",
    .license = "BSD-3-Clause",
    .description = "A source that opens nothing.",
};

ORIEL_MODULE(&info, NULL, NULL, get_factory);
