/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment of the napari-cuda server, in our keys. */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include "config/settings.h"

/* NAPARI_CUDA_…: what a variable means here is added to the settings with its name as the origin.
 * Empty variables count as unset. False, naming the variable, when its value makes no sense. */
bool reference_read(struct settings *settings, char **environment, struct error *err);

/* The index-th variable that is understood and the key that it sets, "" for one without effect;
 * false past the end. */
bool reference_variable(size_t index, const char **variable, const char **key);

#endif
