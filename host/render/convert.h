/* SPDX-License-Identifier: BSD-3-Clause */
/* From stored values to what a scene module takes: uint8 (bool too) and uint16 stay, all other
 * types become float32. Pure functions. */
#ifndef RENDER_CONVERT_H
#define RENDER_CONVERT_H

#include <stdint.h>

/* ORIEL_U8, ORIEL_U16 or ORIEL_F32 for a stored dtype; 0 for one that is unknown. */
uint32_t convert_type(uint32_t dtype);
/* Converts `count` values that lie `step` bytes apart into a dense row of convert_type(dtype). */
void convert_row(uint32_t dtype, const void *data, uint64_t step, uint64_t count, void *out);

#endif
