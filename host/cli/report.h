/* SPDX-License-Identifier: BSD-3-Clause */
/* What an exchange of modules has come to: lines of the log, and the answer to who asked. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "module/registry.h"
#include "util/error.h"

struct cJSON;
struct oriel_option;

struct report {
    struct cJSON *json; /* the answer */
    size_t swapped, refused;
    char why[512]; /* of the first that was refused */
};

void report_begin(struct report *report);
/* For registry_refresh; `data` is the report. */
void report_file(void *data, enum module_news news, const struct module *module,
                 const char *reason);
/* For registry_refresh: of no interest. */
void report_nothing(void *data, enum module_news news, const struct module *module,
                    const char *reason);
/* A key of the configuration that follows, or (`restart`) does not before the next start. */
void report_key(struct report *report, bool restart, const char *key, const char *origin);
/* `where`: "main", "v1/main", "v1", … `why` NULL: done. */
void report_swap(struct report *report, const char *kind, const char *where, const char *from,
                 const char *to, const char *why);
/* An encoder goes on with its new values. */
void report_tuned(struct report *report, const char *where, const char *id);
/* Was a file refused that has this id, or is named after it? The reason, or NULL. */
const char *report_refused_file(const struct report *report, const char *id);
/* Has a file of this id changed, and can be used? */
bool report_changed_file(const struct report *report, const char *id);

#endif
