/* SPDX-License-Identifier: BSD-3-Clause */
/* The entry of a module and the services of the host. */
#ifndef ORIEL_MODULE_H
#define ORIEL_MODULE_H

#include "oriel/abi.h"
#include "oriel/frame.h"
#include "oriel/host_config.h"

enum {
    ORIEL_LOG_ERROR = 1,
    ORIEL_LOG_WARN = 2,
    ORIEL_LOG_INFO = 3,
    ORIEL_LOG_DEBUG = 4,
    ORIEL_LOG_TRACE = 5
};

/* What the host does for a module. The host makes one for each instance, so that logs and failures
 * carry the instance's name; the pointer is valid from create() to the return of destroy(). All
 * functions are [any-thread]. */
struct oriel_host {
    uint32_t size;
    uint32_t abi_minor; /* of the host */
    void *data;         /* the host's */

    /* One line, without newline. */
    void (*log)(const struct oriel_host *host, uint32_t level, const char *text);
    /* Says why the call that is running fails: names the file, key or peer. Kept for the calling
     * thread until its next call into the module. Returns `result`, so `return host->fail(host,
     * …);`. */
    oriel_result (*fail)(const struct oriel_host *host, oriel_result result, const char *text);
    int64_t (*now_ns)(const struct oriel_host *host);

    void (*frame_ref)(const struct oriel_host *host, const struct oriel_frame *frame);
    /* `done` may be NULL: the caller has finished reading. */
    void (*frame_unref)(const struct oriel_host *host, const struct oriel_frame *frame,
                        const struct oriel_fence *done);

    /* A new buffer with one reference, a copy of `bytes` bytes of `data`; NULL when out of memory.
     */
    const struct oriel_buffer *(*buffer_new)(const struct oriel_host *host, const void *data,
                                             uint64_t bytes);
    void (*buffer_ref)(const struct oriel_host *host, const struct oriel_buffer *buffer);
    void (*buffer_unref)(const struct oriel_host *host, const struct oriel_buffer *buffer);

    /* An optional host interface ("oriel.host.gl/1", …) or NULL. */
    const void *(*get_interface)(const struct oriel_host *host, const char *id);
};

/* What `oriel modules` shows. */
struct oriel_module_info {
    uint32_t size;
    uint32_t reserved;
    const char *id;      /* "<kind>/<name>" for ours, "<reverse.dns>/<name>" for others; the key of
                            its options in the configuration */
    const char *version; /* semantic version */
    const char *vendor;
    const char *license;     /* SPDX expression of the module with what it links */
    const char *description; /* one sentence */
};

/* The one exported symbol of a module: `extern const struct oriel_entry oriel_entry_v1`. A data
 * symbol, so that a host can look at it before it runs any code of the module. */
struct oriel_entry {
    uint64_t magic; /* ORIEL_MAGIC */
    uint32_t size;
    uint32_t abi_major;
    uint32_t abi_minor;    /* of the headers it was built with */
    uint32_t target_minor; /* the oldest host minor it accepts */
    const char *build;     /* compiler and flags, free text */
    const struct oriel_module_info *info;
    /* Once for each process before any get_factory; may be NULL. Starts no thread. [main] */
    oriel_result (*init)(const struct oriel_host *host);
    void (*deinit)(void); /* may be NULL [main] */
    /* A static vtable for "oriel.encoder/1", "oriel.capture/1", …, or NULL for what it does not
     * have. [any-thread] */
    const void *(*get_factory)(const char *interface_id);
};

#define ORIEL_ENTRY_SYMBOL "oriel_entry_v1"

/* Defines the entry: ORIEL_MODULE(&info, init, deinit, get_factory) */
#ifdef __cplusplus
#define ORIEL_EXTERN_C_ extern "C"
#else
#define ORIEL_EXTERN_C_ extern
#endif
#define ORIEL_MODULE(info_, init_, deinit_, get_factory_)                                          \
    ORIEL_EXTERN_C_ ORIEL_EXPORT const struct oriel_entry oriel_entry_v1;                          \
    const struct oriel_entry oriel_entry_v1 = {ORIEL_MAGIC,                                        \
                                               (uint32_t)sizeof(struct oriel_entry),               \
                                               ORIEL_ABI_MAJOR,                                    \
                                               ORIEL_ABI_MINOR,                                    \
                                               ORIEL_TARGET_MINOR,                                 \
                                               __VERSION__,                                        \
                                               info_,                                              \
                                               init_,                                              \
                                               deinit_,                                            \
                                               get_factory_}

/* The same for a module that is one interface and needs neither init nor deinit:
 * ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &encoder, id, version, vendor, license, description) */
#define ORIEL_MODULE_OF(interface_, vtable_, id_, version_, vendor_, license_, description_)       \
    static const void *oriel_factory_(const char *wanted)                                          \
    {                                                                                              \
        const char *own = interface_;                                                              \
        while (*own && *own == *wanted)                                                            \
            ++own, ++wanted;                                                                       \
        return *own == *wanted ? vtable_ : NULL;                                                   \
    }                                                                                              \
    static const struct oriel_module_info oriel_info_ = {                                          \
        (uint32_t)sizeof(struct oriel_module_info),                                                \
        0,                                                                                         \
        id_,                                                                                       \
        version_,                                                                                  \
        vendor_,                                                                                   \
        license_,                                                                                  \
        description_};                                                                             \
    ORIEL_MODULE(&oriel_info_, NULL, NULL, oriel_factory_)

#endif
