/* SPDX-License-Identifier: BSD-3-Clause */
/* Modules that brought a process down: they are not used again until their file changes or somebody
 * lifts that. Kept beside the cache of probes, in a file of one JSON object a line, to which a
 * process that dies appends. */
#ifndef MODULE_QUARANTINE_H
#define MODULE_QUARANTINE_H

#include <stdbool.h>

#include "util/error.h"

struct config;
struct quarantine;

/* The file, "" where there is nowhere to keep one. Caller frees. */
char *quarantine_path(const struct config *config);

/* A file that is not there or cannot be read has nothing in it. */
struct quarantine *quarantine_open(const struct config *config);
void quarantine_close(struct quarantine *quarantine);
/* Why a file is not to be used that has the content of `key` (cache_key()): "quarantined: it
 * crashed in encode (SIGSEGV) on …; … is given"; NULL for one that may be. Caller frees. */
char *quarantine_reason(const struct quarantine *quarantine, const char *file, const char *key);

/* From now on a crash of this process is written there; see crash_watch(). [main] */
void quarantine_watch(const struct config *config);
/* Forgets all of it. */
bool quarantine_lift(const struct config *config, struct error *err);

/* The members of a line that are known before anything happens: {"id":…,"file":…,"key":… */
char *quarantine_record(const char *id, const char *file, const char *key);

#endif
