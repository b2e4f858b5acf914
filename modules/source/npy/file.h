/* SPDX-License-Identifier: BSD-3-Clause */
/* An opened .npy file. Immutable: reads are by position, by any number of threads. */
#ifndef NPY_FILE_H
#define NPY_FILE_H

#include "npy.h"
#include "oriel/source.h"

struct npy_file {
    char *path;
    int fd;
    uint64_t start; /* of the values */
    struct npy_header header;
    uint64_t chunk[ORIEL_MAX_AXES];
};

enum { NPY_ERROR = 1024 };

/* False with a sentence in `error`, and *code; the file is then closed. */
bool npy_file_open(struct npy_file *file, const char *path, oriel_result *code,
                   char error[NPY_ERROR]);
void npy_file_close(struct npy_file *file);
oriel_result npy_file_read(const struct npy_file *file, struct oriel_read *read,
                           char error[NPY_ERROR]);

#endif
