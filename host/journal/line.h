/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines that journal files are made of: "<crc> <number> <bytes> <payload>\n". The number counts
 * records over all files; `bytes` is the length of the payload. The CRC-32 (eight hexadecimal
 * digits) is over everything after it, and finds every burst of up to 32 wrong bits. */
#ifndef JOURNAL_LINE_H
#define JOURNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#define LINE_HEAD_MAX 56

struct line {
    uint64_t number;
    const char *payload;
    size_t bytes; /* of the payload */
    size_t total; /* of the line */
};

enum line_kind {
    LINE_WHOLE,
    LINE_END, /* nothing is left */
    LINE_CUT, /* a beginning: the writer was interrupted */
    LINE_BAD
};

/* What stands before the payload; returns its length. A line feed goes behind the payload. */
size_t line_head(char head[LINE_HEAD_MAX], uint64_t number, const char *payload, size_t bytes);
enum line_kind line_parse(const char *text, size_t bytes, struct line *line);

#endif
