/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules that are good, and modules that are wrong in one way each: FIXTURE_<WAY> is defined. */
#include <stdlib.h>
#include <unistd.h>

#include "oriel/encoder.h"

#ifndef FIXTURE_ID
#define FIXTURE_ID "encode/fixture"
#endif
#ifndef FIXTURE_CODEC
#define FIXTURE_CODEC ORIEL_CODEC_RAW
#endif

#if defined(FIXTURE_CRASH)
__attribute__((constructor)) static void crash(void)
{
    abort();
}
#endif

static oriel_result input_format(uint32_t index, struct oriel_format *format)
{
    if (index > 0)
        return ORIEL_UNSUPPORTED;
    *format = (struct oriel_format){.domain = ORIEL_DOMAIN_CPU,
                                    .fourcc = ORIEL_FMT_I420,
                                    .matrix = ORIEL_MATRIX_BT601,
                                    .full_range = 1};
    return ORIEL_OK;
}

static oriel_result codec(uint32_t index, uint32_t *fourcc)
{
    *fourcc = FIXTURE_CODEC;
    return index > 0 ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result create(const struct oriel_host *host, const struct oriel_config *config,
                           const struct oriel_format *format, double fps,
                           const struct oriel_packet_sink *sink, void **self)
{
    (void)config, (void)format, (void)fps, (void)sink, (void)self;
    return host->fail(host, ORIEL_UNSUPPORTED, "only for tests");
}

static void destroy(void *self)
{
    (void)self;
}

static oriel_result encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    (void)self, (void)frame, (void)flags;
    return ORIEL_UNSUPPORTED;
}

static oriel_result drain(void *self)
{
    (void)self;
    return ORIEL_OK;
}

static void request_key(void *self)
{
    (void)self;
}

static oriel_result reconfigure(void *self, const struct oriel_config *config)
{
    (void)self, (void)config;
    return ORIEL_OK;
}

static const struct oriel_option option_list[] = {
    {"bitrate", "1000000", NULL, "Target rate in bit/s.", 50000, 500000000, ORIEL_OPT_INT, 0},
    {"speed", "fast", "slow fast", "How hard it tries.", 0, 0, ORIEL_OPT_ENUM, 0},
    {"grain", "0.5", NULL, "Share of grain.", 0, 1, ORIEL_OPT_FLOAT, ORIEL_OPT_LIVE},
    {"label", "", NULL, "A text.", 0, 0, ORIEL_OPT_STRING, 0},
    {"turbo", "no", NULL, "Even faster.", 0, 0, ORIEL_OPT_BOOL, 0},
#if defined(FIXTURE_OPTION_TWICE)
    {"speed", "slow", "slow fast", "How hard it tries.", 0, 0, ORIEL_OPT_ENUM, 0},
#elif defined(FIXTURE_OPTION_DEFAULT)
    {"level", "12", NULL, "Effort.", 0, 9, ORIEL_OPT_INT, 0},
#elif defined(FIXTURE_OPTION_NAME)
    {"Big-Name", "1", NULL, "Effort.", 0, 9, ORIEL_OPT_INT, 0},
#elif defined(FIXTURE_REQUIRED)
    {"key", NULL, NULL, "The secret it needs.", 0, 0, ORIEL_OPT_STRING,
     ORIEL_OPT_REQUIRED | ORIEL_OPT_SECRET},
#endif
};

static const struct oriel_option_table options = {
    sizeof options, sizeof option_list / sizeof option_list[0], option_list};

static const struct oriel_encoder encoder = {
#if defined(FIXTURE_SHORT_VTABLE)
    .size = 32,
#else
    .size = sizeof encoder,
#endif
    .options = &options,
    .input_format = input_format,
    .codec = codec,
    .create = create,
    .destroy = destroy,
#if !defined(FIXTURE_NO_ENCODE)
    .encode = encode,
#endif
    .drain = drain,
    .request_key = request_key,
    .reconfigure = reconfigure,
};

static const void *get_factory(const char *id)
{
    const char *own = ORIEL_ENCODER_V1;
    while (*id && *id == *own)
        id++, own++;
#if defined(FIXTURE_NO_INTERFACE)
    return NULL;
#else
    return *id == *own ? &encoder : NULL;
#endif
}

static oriel_result init(const struct oriel_host *host)
{
#if defined(FIXTURE_HANG)
    for (;;)
        pause();
#elif defined(FIXTURE_EXIT)
    exit(3);
#elif defined(FIXTURE_INIT_FAILS)
    return host->fail(host, ORIEL_IO, "/dev/fixture: no such device");
#elif defined(FIXTURE_PRINTS)
    if (write(STDOUT_FILENO, "{\"id\":\"encode/liar\"}\n", 21) < 0)
        return ORIEL_IO;
#endif
    host->log(host, ORIEL_LOG_DEBUG, "loaded");
    return ORIEL_OK;
}

#if defined(FIXTURE_NULL_INFO)
#define INFO NULL
#else
static const struct oriel_module_info info = {
    .size = sizeof info,
    .id = FIXTURE_ID,
    .version = "1.2.3",
    .vendor = "Oriel",
    .license = "BSD-3-Clause",
    .description = "A module for tests",
};
#define INFO &info
#endif

#if defined(FIXTURE_V2)
#define ENTRY oriel_entry_v2
#elif defined(FIXTURE_NO_ENTRY)
#define ENTRY another_symbol
#else
#define ENTRY oriel_entry_v1
#endif

extern ORIEL_EXPORT const struct oriel_entry ENTRY;
const struct oriel_entry ENTRY = {
#if defined(FIXTURE_MAGIC)
    .magic = 0x1234,
#else
    .magic = ORIEL_MAGIC,
#endif
#if defined(FIXTURE_TRUNCATED)
    .size = 40,
#elif defined(FIXTURE_TINY)
    .size = 12,
#else
    .size = sizeof(struct oriel_entry),
#endif
#if defined(FIXTURE_MAJOR)
    .abi_major = 2,
    .abi_minor = 7,
#else
    .abi_major = ORIEL_ABI_MAJOR,
    .abi_minor = ORIEL_ABI_MINOR,
#endif
#if defined(FIXTURE_TARGET)
    .target_minor = 99,
#else
    .target_minor = ORIEL_TARGET_MINOR,
#endif
    .build = __VERSION__,
    .info = INFO,
    .init = init,
#if defined(FIXTURE_NULL_FACTORY)
    .get_factory = NULL,
#else
    .get_factory = get_factory,
#endif
};
