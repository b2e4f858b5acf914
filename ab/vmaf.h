/* SPDX-License-Identifier: BSD-3-Clause */
/* VMAF by libvmaf (API of version 2 and 3), where its library is found when the program runs. */
#ifndef AB_VMAF_H
#define AB_VMAF_H

#include "ab/picture.h"

struct vmaf;

/* NULL where there is no libvmaf; `*about` names the version, or says why there is none. The other
 * functions take NULL. */
struct vmaf *vmaf_open(const struct oriel_format *format, const char **about);
void vmaf_close(struct vmaf *vmaf);
bool vmaf_add(struct vmaf *vmaf, const struct picture *source, const struct picture *shown);
/* After the last one: the score of the index-th that was added. NAN where there is none. */
double vmaf_score(struct vmaf *vmaf, uint32_t index);

#endif
