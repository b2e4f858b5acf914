/* SPDX-License-Identifier: BSD-3-Clause */
#include "napari.h"

/* docs/pixels.md, "Blending". Colours are not premultiplied; alpha adds up. */
void blend_set(uint32_t blending, bool bottom, bool depth)
{
    GLenum source = GL_SRC_ALPHA, destination = GL_ONE_MINUS_SRC_ALPHA;
    GLenum destination_alpha = GL_ONE;
    GLenum equation = GL_FUNC_ADD;
    bool tested = false;
    switch (blending) {
    case ORIEL_BLEND_OPAQUE:
        tested = true;
        if (!bottom) {
            source = GL_ONE;
            destination = destination_alpha = GL_ZERO;
        }
        break;
    case ORIEL_BLEND_ADDITIVE:
        destination = bottom ? GL_ZERO : GL_DST_ALPHA;
        break;
    case ORIEL_BLEND_MINIMUM:
        if (bottom) {
            source = GL_ONE;
            destination = GL_ZERO;
        } else {
            equation = GL_MIN;
        }
        break;
    case ORIEL_BLEND_MULTIPLICATIVE:
        if (!bottom) {
            source = GL_DST_COLOR;
            destination = GL_ZERO;
        }
        break;
    case ORIEL_BLEND_TRANSLUCENT_NO_DEPTH:
        break;
    default:
        tested = true;
        break;
    }
    glEnable(GL_BLEND);
    glBlendFuncSeparate(source, destination, GL_ONE, destination_alpha);
    glBlendEquationSeparate(equation, equation);
    if (tested && depth)
        glEnable(GL_DEPTH_TEST);
    else
        glDisable(GL_DEPTH_TEST);
}
