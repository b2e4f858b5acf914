/* SPDX-License-Identifier: BSD-3-Clause */
#include "codec.h"

#include <string.h>

static const struct codec_type *const table[] = {
    &codec_bytes,    &codec_transpose, &codec_delta,    &codec_fixedscaleoffset,
    &codec_quantize, &codec_astype,    &codec_bitround, &codec_shuffle,
    &codec_crc32c,   &codec_crc32,     &codec_adler32,  &codec_fletcher32,
    &codec_gzip,     &codec_zlib,      &codec_zstd,     &codec_blosc,
    &codec_lz4,      &codec_bz2,       &codec_lzma,
};

const struct codec_type *codec_find(const char *name)
{
    static const char *const prefixes[] = {"numcodecs.", "https://codec.zarrs.dev/bytes_to_bytes/",
                                           "https://codec.zarrs.dev/array_to_array/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            name += strlen(prefixes[i]);
            break;
        }
    if (strcmp(name, "endian") == 0) /* what "bytes" was called before v3 was final */
        name = "bytes";
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}
