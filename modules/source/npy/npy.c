/* SPDX-License-Identifier: BSD-3-Clause */
#include "npy.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_LIMIT = 1 << 20 };

__attribute__((format(printf, 2, 3))) static bool fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, NPY_WHY, format, args);
    va_end(args);
    return false;
}

bool npy_preamble(const uint8_t *data, size_t *start, size_t *length, char why[NPY_WHY])
{
    if (memcmp(data, "\x93NUMPY", 6) != 0)
        return fail(why, "not a .npy file");
    unsigned major = data[6], minor = data[7];
    if (major < 1 || major > 3 || minor != 0)
        return fail(why, "format %u.%u is not supported (1.0, 2.0 and 3.0 are)", major, minor);
    *start = major == 1 ? 10 : 12;
    *length = (size_t)data[8] | (size_t)data[9] << 8;
    if (major > 1)
        *length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    return *length <= HEADER_LIMIT || fail(why, "its header has %zu bytes", *length);
}

static const char *skip(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* The value of a key in the dictionary, or NULL. */
static const char *value_of(const char *text, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = text; (at = strstr(at, key)); at += n) {
        if (at == text || (at[-1] != '\'' && at[-1] != '"') || at[n] != at[-1])
            continue;
        const char *colon = skip(at + n + 1);
        if (*colon == ':')
            return skip(colon + 1);
    }
    return NULL;
}

static bool parse_dtype(const char *at, struct npy_header *header, char *why)
{
    static const struct {
        char name[3];
        uint8_t type;
        uint8_t bytes;
    } types[] = {{"u1", ORIEL_U8, 1},  {"u2", ORIEL_U16, 2}, {"u4", ORIEL_U32, 4},
                 {"u8", ORIEL_U64, 8}, {"i1", ORIEL_I8, 1},  {"i2", ORIEL_I16, 2},
                 {"i4", ORIEL_I32, 4}, {"i8", ORIEL_I64, 8}, {"f2", ORIEL_F16, 2},
                 {"f4", ORIEL_F32, 4}, {"f8", ORIEL_F64, 8}, {"b1", ORIEL_BOOL, 1}};
    if (at && *at == '[')
        return fail(why, "structured values are not supported");
    if (!at || (*at != '\'' && *at != '"'))
        return fail(why, "its header has no descr");
    char name[32] = "";
    size_t n = strcspn(at + 1, "'\"");
    if (n >= sizeof name)
        return fail(why, "its data type is not supported");
    memcpy(name, at + 1, n);
    const char *kind = name + (*name && strchr("<>|=", *name) != NULL);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(kind, types[i].name) != 0)
            continue;
        bool big_machine = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
        header->dtype = types[i].type;
        header->bytes = types[i].bytes;
        header->swap =
            header->bytes > 1 && ((*name == '>' && !big_machine) || (*name == '<' && big_machine));
        return true;
    }
    return fail(why, "data type \"%s\" (%s) is not supported", name,
                *kind == 'c'                   ? "complex numbers"
                : *kind == 'O'                 ? "Python objects"
                : *kind == 'U' || *kind == 'S' ? "text"
                                               : "neither integers nor floats");
}

static bool parse_shape(const char *at, struct npy_header *header, char *why)
{
    if (!at || *at != '(')
        return fail(why, "its header has no shape");
    uint64_t bytes = header->bytes;
    for (at = skip(at + 1); *at != ')'; at = skip(at)) {
        char *end = NULL;
        errno = 0;
        unsigned long long length = strtoull(at, &end, 10);
        if (!isdigit((unsigned char)*at) || errno || length > INT64_MAX)
            return fail(why, "its shape is no list of lengths");
        if (header->ndim == ORIEL_MAX_AXES)
            return fail(why, "more than %u axes are not supported", ORIEL_MAX_AXES);
        header->shape[header->ndim++] = length;
        if (length && (__builtin_mul_overflow(bytes, length, &bytes) || bytes > INT64_MAX))
            return fail(why, "its shape has more than 2^63 bytes");
        at = skip(end + (*end == 'L')); /* Python 2's long integers */
        if (*at == ',')
            at++;
        else if (*at != ')')
            return fail(why, "its shape is no list of lengths");
    }
    return true;
}

bool npy_parse(const char *text, struct npy_header *header, char why[NPY_WHY])
{
    *header = (struct npy_header){0};
    const char *order = value_of(text, "fortran_order");
    if (!order || (strncmp(order, "True", 4) != 0 && strncmp(order, "False", 5) != 0))
        return fail(why, "its header has no fortran_order");
    header->fortran = *order == 'T';
    return parse_dtype(value_of(text, "descr"), header, why) &&
           parse_shape(value_of(text, "shape"), header, why);
}
