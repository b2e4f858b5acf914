/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef UTIL_BASE64_H
#define UTIL_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* RFC 4648 with padding, and a zero after it: BASE64_SIZE(bytes) characters. */
void base64(const uint8_t *data, size_t bytes, char *out);

#endif
