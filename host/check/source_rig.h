/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset that a source opened, and boxes of it. */
#ifndef CHECK_SOURCE_RIG_H
#define CHECK_SOURCE_RIG_H

#include "check/check.h"
#include "oriel/source.h"

struct source_rig {
    struct check_run *run;
    const struct oriel_source *source;
    struct check_host *host;
    const struct oriel_config *config;
    void *self;
    const struct oriel_source_info *info;
};

/* A box of one level. */
struct box {
    uint32_t level;
    uint64_t origin[ORIEL_MAX_AXES], shape[ORIEL_MAX_AXES];
};

/* Opens and describes --data; skips without it. Where that fails, `must` fails the test, else it is
 * skipped. */
struct source_rig *source_open(struct check_run *run, enum check_host_kind kind, bool must);
void source_close(struct source_rig *rig);
/* open() of anything. The text of a failure goes to `why`, of 1024 bytes. */
oriel_result source_try(struct source_rig *rig, const char *uri, void **self, char *why);
struct source_rig *source_new(struct check_run *run, enum check_host_kind kind);

uint32_t source_dtype_bytes(uint32_t dtype); /* 0: unknown */
uint64_t source_bytes(const struct source_rig *rig, const struct box *box);
/* At most `most` bytes in the middle of a level, whole chunks where they fit. */
struct box source_box(const struct source_rig *rig, uint32_t level, uint64_t most);
/* read() into `out`, which has the bytes of the box; any thread. */
oriel_result source_read(const struct source_rig *rig, const struct box *box, void *out,
                         const uint32_t *cancel);

#endif
