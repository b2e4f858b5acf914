/* SPDX-License-Identifier: BSD-3-Clause */
/* host/render/dataset.h for tests: datasets described by a short text instead of a file.
 *   "mem:AXES:SHAPE:DTYPE[:key=value…]", e.g. "mem:cyx:2,40,60:u16:levels=3:scale=1,0.5,0.5"
 * keys: levels=N (factor 2 in y and x, and in z), scale=a,b,…, translate=a,b,…, unit=text,
 *   window=lo,hi (all channels), colors=ff0000,00ff00, labels=a,b (channel labels), collection=N,
 *   wait=MS (opening takes so long),
 *   slow=MS (reading does).
 * or the path of a file NAME.mem with such a text in it.
 * Values: the sum of the level-0 indices. dataset_open fails for anything else. */
#ifndef FAKE_DATASET_H
#define FAKE_DATASET_H

#include "render/dataset.h"

/* How many datasets are alive, for leak checks. */
int fake_dataset_alive(void);

#endif
