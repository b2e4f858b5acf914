/* SPDX-License-Identifier: BSD-3-Clause */
/* One line per event on stderr: time, level, area, text. A level per area, set once at start (and
 * live by the control surface). Nothing is formatted for a level that is off. All functions are
 * safe on any thread. */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_ERROR = 1, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* Areas: one for each room, and finer ones that the reference's NAPARI_CUDA_DEBUG flags name. */
enum log_area {
    LOG_MAIN,
    LOG_CONFIG,
    LOG_MODULE,
    LOG_SCENE,
    LOG_CONTROL,
    LOG_RENDER,
    LOG_DATA,
    LOG_PIXEL,
    LOG_TRANSPORT,
    LOG_HTTP,
    LOG_MCP,
    LOG_CAMERA,
    LOG_DIMS,
    LOG_LAYER,
    LOG_STATE,
    LOG_VOLUME,
    LOG_POLICY,
    LOG_ROI,
    LOG_SENDS,
    LOG_ENCODER_KEYFRAMES,
    LOG_ENCODER_NALS,
    LOG_ENCODER_SPS,
    LOG_ENCODER_SETTINGS,
    LOG_AREA_COUNT
};

const char *log_area_name(enum log_area area);                 /* "main", …, "encoder-settings" */
bool log_level_parse(const char *name, enum log_level *level); /* "error", … */

void log_set_level(enum log_area area, enum log_level level);
bool log_on(enum log_area area, enum log_level level);
void log_write(enum log_area area, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_at(area, level, ...)                                                                   \
    (log_on((area), (level)) ? log_write((area), (level), __VA_ARGS__) : (void)0)
#define log_error(area, ...) log_at((area), LOG_ERROR, __VA_ARGS__)
#define log_warn(area, ...) log_at((area), LOG_WARN, __VA_ARGS__)
#define log_info(area, ...) log_at((area), LOG_INFO, __VA_ARGS__)
#define log_debug(area, ...) log_at((area), LOG_DEBUG, __VA_ARGS__)
#define log_trace(area, ...) log_at((area), LOG_TRACE, __VA_ARGS__)

#endif
