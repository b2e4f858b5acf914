/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of a page. */
#ifndef AB_HTML_H
#define AB_HTML_H

#include <stdint.h>
#include <stdio.h>

/* Text as content or as the value of an attribute. */
void html_text(FILE *out, const char *text);
/* The same of a sentence: its negative numbers get a minus sign for their hyphen. */
void html_prose(FILE *out, const char *text);
/* Everything before the content, with the style; and what ends it. */
void html_begin(FILE *out, const char *title);
void html_end(FILE *out);
/* A number with `digits` after the point; a dash for NAN, "lossless" for infinity. */
void html_number(FILE *out, double value, int digits);
/* 8-bit RGBA as an <img> of a data: URL. */
void html_picture(FILE *out, const uint8_t *rgba, uint32_t width, uint32_t height, const char *alt);

#endif
