/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the file system that clients may see: data.root and what is below it after all links
 * are followed; without a root only what was named on the command line. Everything here may wait
 * for disks and is [any-thread]. */
#ifndef CONTROL_FILES_H
#define CONTROL_FILES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct cancel;
struct control;

/* What may be seen: a copy, so that a job can have it. */
struct files_scope {
    char *root; /* data.root as configured; "": none */
    char **named;
    size_t named_count;
    struct cancel *cancel; /* what is listed ends there when this is set; NULL: at the end */
};

void files_scope_init(struct files_scope *scope, const struct control *control); /* [control] */
void files_scope_finish(struct files_scope *scope);

/* The real path of what `path` means to a client ("" the root, relative to the root, ~, absolute,
 * or a remote name). False with a code of the protocol: fs.forbidden, fs.not_found. */
bool files_resolve(const struct files_scope *scope, const char *path, char **resolved,
                   const char **code, struct error *err);

struct files_query {
    const char *path;   /* as the client says; NULL or "": the root, or all that was named */
    const cJSON *only;  /* suffixes of files; NULL: .zarr; empty: all */
    bool hidden;        /* names that begin with a dot as well */
    const char *cursor; /* the page after this one's; NULL: the first */
    size_t limit;       /* most entries */
};

/* The result of fs.listdir. What is swapped for a link while it is being listed is not followed out
 * of the scope. */
cJSON *files_list(const struct files_scope *scope, const struct files_query *query,
                  const char **code, struct error *err);
/* Names of the images in the resolved `path` and below it, at most two folders deep and 32. */
cJSON *files_images(const struct files_scope *scope, const char *path);
bool files_is_image(const struct files_scope *scope, const char *path);

#endif
