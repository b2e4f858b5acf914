/* SPDX-License-Identifier: BSD-3-Clause */
/* The metadata documents of a store: files, or what consolidated metadata keeps for files that are
 * not there. Used while an image is opened, by one thread. */
#ifndef ZARR_CATALOG_H
#define ZARR_CATALOG_H

#include <cjson/cJSON.h>

#include "store.h"

struct catalog {
    struct store *store;
    cJSON *root;          /* the document with the consolidated metadata, or NULL */
    const cJSON *entries; /* in `root`, by key (v2: "a/.zarray") or path (v3: "a") */
    bool entries_v2;
};

/* Looks for consolidated metadata. One that cannot be read is a failure. */
bool catalog_init(struct catalog *catalog, struct store *store, struct fault *fault);
void catalog_finish(struct catalog *catalog);

enum node_kind { NODE_NONE, NODE_GROUP, NODE_ARRAY };

struct node {
    enum node_kind kind;
    uint32_t version; /* of Zarr */
    cJSON *document;  /* zarr.json, .zarray or .zgroup; NULL for a group with .zattrs alone */
    cJSON *zattrs;    /* v2 */
    const cJSON *attributes; /* or NULL */
    char file[1024];         /* of the document, for errors */
};

/* NODE_NONE when there is nothing at `path`. The node is finished by the caller, also after a
 * failure. */
bool node_load(struct catalog *catalog, const char *path, struct node *node, struct fault *fault);
void node_finish(struct node *node);

/* The names right under `path` that are groups or arrays, sorted (numbers by value). */
struct arena;
struct text_list;
bool catalog_children(struct catalog *catalog, const char *path, struct arena *arena,
                      struct text_list *names, struct fault *fault);

#endif
