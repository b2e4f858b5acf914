/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the web client, read once and served from memory. Immutable; safe on any thread. */
#ifndef CLI_SITE_H
#define CLI_SITE_H

#include "oriel/frame.h"
#include "util/error.h"

struct site;

struct site_file {
    char *path;       /* "/js/main.js" */
    const char *type; /* media type */
    char etag[24];
    const struct oriel_buffer *body;
};

/* What the page may do (Content-Security-Policy): only what comes from this server. */
extern const char *const site_policy;

struct site *site_create(const char *dir, struct error *err);
void site_destroy(struct site *site); /* NULL is fine */
/* "/" is "/index.html". NULL when there is no such file. */
const struct site_file *site_find(const struct site *site, const char *path);
/* [{"name":…, "colors":[[r,g,b,a] × 32]}…] for the strips beside the names of colormaps; the caller
 * lets go of it. */
const struct oriel_buffer *site_colormaps(void);

#endif
