/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a failure, for functions that return false or NULL. It names the file, key or peer.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#include <stdbool.h>

struct error {
    char text[1024];
};

/* Sets the text (err may be NULL) and returns false, so `return error_set(err, …);`. */
bool error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<prefix>: " before the text that is there. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
