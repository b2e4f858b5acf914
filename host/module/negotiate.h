/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of the formats that a capture can make goes to an encoder. A pure function. */
#ifndef MODULE_NEGOTIATE_H
#define MODULE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

#include "oriel/frame.h"
#include "util/error.h"

/* `made`: the capture's formats, cheapest first. `accepted`: the encoder's, best first; 0 means
 * "any" as struct oriel_format says. A pair that stays in a GPU's memory wins over one that is read
 * back, then the encoder's order decides, then the capture's. `format` has every colour field set:
 * where neither side says, BT.709 primaries and sRGB transfer. Width and height stay 0 where both
 * leave them open. False, with both lists, when no pair fits. */
bool negotiate(const struct oriel_format *made, size_t made_count,
               const struct oriel_format *accepted, size_t accepted_count,
               struct oriel_format *format, struct error *err);

/* "NV12 cpu bt601 full" */
void format_describe(const struct oriel_format *format, char *text, size_t size);
/* "capture/gl NV12 cpu bt601 full -> encode/openh264" */
void format_chain(const char *capture, const struct oriel_format *format, const char *encoder,
                  char *text, size_t size);

#endif
