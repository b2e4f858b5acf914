/* SPDX-License-Identifier: BSD-3-Clause */
/* Test fixtures: stand-ins for libcuda.so.1, libnvidia-encode.so.1 and libnvjpeg.so.12. See
 * README.md. Every stand-in exports the functions below; each has its own counters, rules and
 * faults, so they are found with dlsym on the library's handle (standin_load). Environment, read at
 * the first call: ORIEL_STANDIN_FAIL="call:nth:code,…"  as standin_fail ORIEL_STANDIN_REPORT=FILE
 * faults, a line each, ORIEL_STANDIN_SET="key=value,…"       as standin_set and a summary at exit
 *   ORIEL_STANDIN_CUDA_DEVICES=n          ORIEL_STANDIN_UUID=32 hexadecimal digits, for device 0 */
#ifndef ORIEL_TEST_STANDIN_H
#define ORIEL_TEST_STANDIN_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct standin {
    void *library;
    /* Forgets faults, call counters, rules and settings; live objects stay. */
    void (*reset)(void);
    /* The nth call from now of that entry point returns `code` and does nothing, unless it releases
     * something; 0: every call. CMocka has a macro of this name: write (standin.fail)(…). */
    void (*fail)(const char *call, uint32_t nth, int code);
    /* Settings, README.md has the list. */
    void (*set)(const char *key, int64_t value);
    /* Contract violations seen, and their texts, one a line. */
    uint32_t (*faults)(char *text, size_t room);
    /* Calls by name without a version suffix ("cuMemAlloc"), "live.*", "input.*", "copies.*". */
    uint64_t (*count)(const char *what);
};

/* False when that library is not a stand-in. */
static inline bool standin_load(struct standin *standin, const char *name)
{
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        return false;
    static const char *const names[] = {"standin_reset", "standin_fail", "standin_set",
                                        "standin_faults", "standin_count"};
    void *symbols[5];
    for (int i = 0; i < 5; i++) {
        symbols[i] = dlsym(library, names[i]);
        if (!symbols[i])
            return false;
    }
    standin->library = library;
    memcpy(&standin->reset, &symbols[0], sizeof symbols[0]);
    memcpy(&standin->fail, &symbols[1], sizeof symbols[1]);
    memcpy(&standin->set, &symbols[2], sizeof symbols[2]);
    memcpy(&standin->faults, &symbols[3], sizeof symbols[3]);
    memcpy(&standin->count, &symbols[4], sizeof symbols[4]);
    return true;
}

#endif
