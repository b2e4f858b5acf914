/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks at a module file in a child process, so that a file that crashes, hangs or exits harms
 * nobody.
 *
 * The child is this program's own image, started again as `<exe> --probe-module FILE`. Every
 * program that has this room answers to that before its main() runs. */
#ifndef MODULE_PROBE_H
#define MODULE_PROBE_H

#include <stdbool.h>

struct cJSON;

/* Another image than /proc/self/exe; NULL: back to that. The string is kept. */
void module_probe_set_executable(const char *path);

/* What the file says of itself, or {"reason": "…"} with what could be read before it. `volatile` in
 * it says that the reason lies outside of the file. The caller deletes it. [any-thread] */
struct cJSON *module_probe(const char *file);

/* The child's side: answers on descriptor 3, does not return. */
int module_probe_main(const char *file);

#endif
