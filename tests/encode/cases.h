/* SPDX-License-Identifier: BSD-3-Clause */
/* What is run: each encoder with the options and formats that matter. */
#ifndef TEST_ENCODE_CASES_H
#define TEST_ENCODE_CASES_H

#include <stdbool.h>

#include "harness.h"
#include "picture.h"

struct encode_case {
    const char *id;
    const char *set;
    uint32_t codec;
    uint32_t fourcc;
    uint8_t matrix, full_range;
    double psnr;                         /* of the first plane, at least */
    const struct oriel_encoder *encoder; /* NULL: not in this build */
};

extern struct encode_case encode_cases[];
extern const unsigned encode_case_count;

/* Loads all modules once. */
int cases_open(void **state);
bool case_inter(const struct encode_case *c); /* has pictures that need others */
struct oriel_format case_format(const struct encode_case *c, uint32_t width, uint32_t height);
/* 4:2:0 H.264 has no odd sides. */
bool case_takes(const struct encode_case *c, uint32_t width, uint32_t height);

#endif
