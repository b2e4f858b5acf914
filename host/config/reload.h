/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations of a server that goes on: what a newer one changes, and the one that follows. */
#ifndef CONFIG_RELOAD_H
#define CONFIG_RELOAD_H

#include "config/config.h"

struct cJSON;

/* Told for each key that differs, with its option and where the newer value comes from. */
typedef void config_differs(void *data, const char *key, const struct oriel_option *option,
                            const char *origin);

/* The one that follows `running`: what of `fresh` may change while the server runs (keys with
 * ORIEL_OPT_LIVE, all options of modules), the rest as it is. `read` is the newest that was read
 * before `fresh`: a key that has not changed since then stays what config_with made of it. All
 * three outlive the result. */
struct config *config_follow(const struct config *running, const struct config *read,
                             const struct config *fresh);
/* Told are the keys whose values follow, and those, without ORIEL_OPT_LIVE, that would be others.
 */
void config_differences(const struct config *running, const struct config *read,
                        const struct config *fresh, config_differs *tell, void *data);

/* `config` with another list; `key` is one of the host's. It outlives the result. */
struct config *config_with(const struct config *config, const char *key, const char *const *items,
                           size_t count, const char *origin);

/* `config` with other options (an object of plain values, NULL: none) of one module. It outlives
 * the result. */
struct config *config_with_options(const struct config *config, const char *module,
                                   const struct cJSON *options, const char *origin);

/* Told for each option of a module that has another value, as config_for_module reads them. */
void config_module_differs(const struct config *before, const struct config *after,
                           const struct config_module *module, config_differs *tell, void *data);

#endif
