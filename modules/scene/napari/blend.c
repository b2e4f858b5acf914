/* SPDX-License-Identifier: BSD-3-Clause */
#include "napari.h"

/* docs/pixels.md, "Blending". Colours are not premultiplied; alpha adds up. */
struct blend blend_of(uint32_t blending, bool bottom)
{
    struct blend blend = {.source = GL_SRC_ALPHA,
                          .destination = GL_ONE_MINUS_SRC_ALPHA,
                          .destination_alpha = GL_ONE,
                          .equation = GL_FUNC_ADD};
    switch (blending) {
    case ORIEL_BLEND_OPAQUE:
        blend.tested = true;
        if (!bottom) {
            blend.source = GL_ONE;
            blend.destination = blend.destination_alpha = GL_ZERO;
        }
        break;
    case ORIEL_BLEND_ADDITIVE:
        blend.destination = bottom ? GL_ZERO : GL_DST_ALPHA;
        break;
    case ORIEL_BLEND_MINIMUM:
        if (bottom) {
            blend.source = GL_ONE;
            blend.destination = GL_ZERO;
        } else {
            blend.equation = GL_MIN;
        }
        break;
    case ORIEL_BLEND_MULTIPLICATIVE:
        if (!bottom) {
            blend.source = GL_DST_COLOR;
            blend.destination = GL_ZERO;
        }
        break;
    case ORIEL_BLEND_TRANSLUCENT_NO_DEPTH:
        break;
    default:
        blend.tested = true;
        break;
    }
    return blend;
}

void blend_set(const struct blend *blend, bool depth)
{
    glEnable(GL_BLEND);
    glBlendFuncSeparate(blend->source, blend->destination, GL_ONE, blend->destination_alpha);
    glBlendEquationSeparate(blend->equation, blend->equation);
    if (blend->tested && depth)
        glEnable(GL_DEPTH_TEST);
    else
        glDisable(GL_DEPTH_TEST);
}
