/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a comparison, in a folder. */
#ifndef AB_OUTPUT_H
#define AB_OUTPUT_H

#include "ab/run.h"

/* results.json: all there is; two comparisons of deterministic encoders differ in "run" and in what
 * is named "timing" alone. */
bool output_json(const struct results *results, const char *folder, struct error *err);
/* results.csv: a row for each recording, arm and rate. frames.csv and frames.ndjson: for each
 * frame.
 */
bool output_csv(const struct results *results, const char *folder, struct error *err);
bool output_frames(const struct results *results, const char *folder, struct error *err);
/* report.html: for people; needs nothing besides itself. */
bool output_report(const struct results *results, const char *folder, struct error *err);

/* Writes folder/name; the text is freed. */
bool output_file(const char *folder, const char *name, char *text, size_t bytes, struct error *err);

#endif
