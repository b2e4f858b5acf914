/* SPDX-License-Identifier: BSD-3-Clause */
/* What probes found, kept in a file: by path, modification time, size and build id. A file that
 * cannot be read or written only costs time. */
#ifndef MODULE_CACHE_H
#define MODULE_CACHE_H

struct cJSON;
struct cache;

/* The file that `path` means, see cache_open(); NULL: there is nowhere to keep one. Caller frees.
 */
char *cache_path(const char *path);
/* What a file's content is known by: "mtime size build-id"; NULL for one that cannot be looked at.
 * Caller frees. */
char *cache_key(const char *file);

/* `path`: the cache's file; "": modules.json in the user's cache folder. */
struct cache *cache_open(const char *path);
/* Writes it when something is new, in one step, without the files that are gone. */
void cache_save(struct cache *cache);
void cache_close(struct cache *cache);

/* module_probe()'s answer, from the cache if it can be. Valid until cache_close(). */
const struct cJSON *cache_probe(struct cache *cache, const char *file);

#endif
