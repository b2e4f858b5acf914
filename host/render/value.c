/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"

/* Aligned for the type it is read as. */
union raw {
    uint8_t bytes[8];
    uint64_t u64;
    int64_t i64;
};

double data_value_number(const struct data_value *value)
{
    union raw raw;
    memcpy(raw.bytes, value->bytes, sizeof raw.bytes);
    double number = dtype_value(value->dtype, raw.bytes, 0);
    return value->dtype == ORIEL_BOOL ? number != 0 : number;
}

/* The shortest decimal that is read back as this double. */
static void print_double(double number, char out[32])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, number);
        if (strtod(out, NULL) == number)
            return;
    }
}

void data_value_print(const struct data_value *value, char out[32], bool *quoted)
{
    union raw raw;
    memcpy(raw.bytes, value->bytes, sizeof raw.bytes);
    double number = data_value_number(value);
    if (value->dtype == ORIEL_U64) {
        snprintf(out, 32, "%" PRIu64, raw.u64);
        *quoted = !(number < 0x1p64 && (uint64_t)number == raw.u64);
    } else if (value->dtype == ORIEL_I64) {
        snprintf(out, 32, "%" PRId64, raw.i64);
        *quoted = !(number < 0x1p63 && (int64_t)number == raw.i64);
    } else if (!isfinite(number)) {
        strcpy(out, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        *quoted = true;
    } else if (number == floor(number) && fabs(number) < 0x1p53) {
        snprintf(out, 32, "%.0f", number);
        *quoted = false;
    } else {
        print_double(number, out);
        *quoted = false;
    }
}
