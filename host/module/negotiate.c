/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/negotiate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "module/inspect.h"

/* A picture drawn by the GPU stays in its memory where it can; which of them, the encoder says by
 * its order. The CPU's takes a readback. A domain that is not known here comes last. */
static int cost(uint32_t domain)
{
    switch (domain) {
    case ORIEL_DOMAIN_GL:
    case ORIEL_DOMAIN_DMABUF:
    case ORIEL_DOMAIN_CUDA:
        return 0;
    case ORIEL_DOMAIN_CPU:
        return 1;
    }
    return 2;
}

static bool suits(uint32_t made, uint32_t accepted)
{
    return made == 0 || accepted == 0 || made == accepted;
}

static uint32_t either(uint32_t made, uint32_t accepted, uint32_t otherwise)
{
    return made ? made : accepted ? accepted : otherwise;
}

/* What is made has a range; what is accepted may leave it open by 0. */
static bool meet(const struct oriel_format *made, const struct oriel_format *accepted,
                 struct oriel_format *format)
{
    if (made->domain != accepted->domain || made->fourcc != accepted->fourcc ||
        made->modifier != accepted->modifier || made->matrix != accepted->matrix ||
        (accepted->full_range && !made->full_range) ||
        !suits(made->primaries, accepted->primaries) ||
        !suits(made->transfer, accepted->transfer) || !suits(made->width, accepted->width) ||
        !suits(made->height, accepted->height))
        return false;
    *format = *made;
    format->width = either(made->width, accepted->width, 0);
    format->height = either(made->height, accepted->height, 0);
    format->primaries =
        (uint8_t)either(made->primaries, accepted->primaries, ORIEL_PRIMARIES_BT709);
    format->transfer = (uint8_t)either(made->transfer, accepted->transfer, ORIEL_TRANSFER_SRGB);
    return true;
}

static size_t add_list(char *text, size_t size, size_t at, const char *head,
                       const struct oriel_format *formats, size_t count)
{
    for (size_t i = 0; i < count && at < size; i++) {
        char one[64];
        format_describe(&formats[i], one, sizeof one);
        int n = snprintf(text + at, size - at, "%s%s", i ? ", " : head, one);
        at += n > 0 ? (size_t)n : 0;
    }
    return at;
}

bool negotiate(const struct oriel_format *made, size_t made_count,
               const struct oriel_format *accepted, size_t accepted_count,
               struct oriel_format *format, struct error *err)
{
    int least = INT_MAX;
    for (size_t i = 0; i < accepted_count; i++) {
        for (size_t j = 0; j < made_count; j++) {
            struct oriel_format both;
            if (cost(made[j].domain) < least && meet(&made[j], &accepted[i], &both)) {
                least = cost(made[j].domain);
                *format = both;
            }
        }
    }
    if (least < INT_MAX)
        return true;
    char lists[900];
    size_t at = add_list(lists, sizeof lists, 0, "made: ", made, made_count);
    add_list(lists, sizeof lists, at, at ? "; accepted: " : "accepted: ", accepted, accepted_count);
    return error_set(err, "no format in common (%s)", made_count + accepted_count ? lists : "none");
}

void format_describe(const struct oriel_format *format, char *text, size_t size)
{
    static const char *const domains[] = {"any", "cpu", "gl", "cuda", "dmabuf"};
    char fourcc[5];
    const char *name;
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        name = "RGBA";
        break;
    case ORIEL_FMT_I420:
        name = "I420";
        break;
    case ORIEL_FMT_I444:
        name = "I444";
        break;
    default:
        name = inspect_fourcc(format->fourcc, fourcc);
    }
    const char *matrix = format->matrix == ORIEL_MATRIX_BT601      ? "bt601"
                         : format->matrix == ORIEL_MATRIX_BT709    ? "bt709"
                         : format->matrix == ORIEL_MATRIX_IDENTITY ? "rgb"
                                                                   : "matrix?";
    snprintf(text, size, "%s %s %s %s", name,
             format->domain < 5 ? domains[format->domain] : "domain?", matrix,
             format->full_range ? "full" : "limited");
}

void format_chain(const char *capture, const struct oriel_format *format, const char *encoder,
                  char *text, size_t size)
{
    char middle[64];
    format_describe(format, middle, sizeof middle);
    snprintf(text, size, "%s %s -> %s", capture, middle, encoder);
}
