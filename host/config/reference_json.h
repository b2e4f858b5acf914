/* SPDX-License-Identifier: BSD-3-Clause */
/* The three variables of the napari-cuda server that hold JSON. `origin` is the variable's name. */
#ifndef CONFIG_REFERENCE_JSON_H
#define CONFIG_REFERENCE_JSON_H

#include "config/settings.h"

/* NAPARI_CUDA_DEBUG: a switch, names of log areas separated by commas, or JSON. */
bool reference_debug(struct settings *settings, const char *origin, const char *text,
                     struct error *err);
bool reference_policy(struct settings *settings, const char *origin, const char *text,
                      struct error *err);
bool reference_encoder(struct settings *settings, const char *origin, const char *text,
                       struct error *err);

/* As if the variable NAPARI_CUDA_<name> held `text`; errors and origins name `origin`. */
bool reference_set(struct settings *settings, const char *name, const char *origin,
                   const char *text, struct error *err);

#endif
