/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/nearest.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 96

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment distance: insert, delete, replace and swap of neighbours cost 1. Case
 * does not matter. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == y && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[n];
}

struct nearest nearest_begin(const char *name)
{
    /* A third of the letters wrong, and it was another word. */
    size_t limit = strlen(name) / 3 + 1;
    return (struct nearest){.name = name, .distance = limit + 1};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    size_t d = distance(nearest->name, candidate);
    if (d < nearest->distance) {
        nearest->distance = d;
        nearest->best = candidate;
    }
}

const char *nearest_hint(const struct nearest *nearest)
{
    static _Thread_local char hint[160];
    if (!nearest->best)
        return "";
    snprintf(hint, sizeof hint, ", did you mean %s?", nearest->best);
    return hint;
}
