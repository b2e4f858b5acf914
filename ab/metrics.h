/* SPDX-License-Identifier: BSD-3-Clause */
/* How far one picture is from another. The numbers are those of FFmpeg's filters psnr and ssim. */
#ifndef AB_METRICS_H
#define AB_METRICS_H

#include "ab/picture.h"

/* Mean square error of a plane. The pictures have one shape. */
double plane_mse(const struct picture *a, const struct picture *b, int plane);
/* 10 log10(peak² / mse); INFINITY for 0. */
double psnr_of(double mse, uint32_t depth);
/* The mean of all three, each plane weighing as many samples as it has. */
double planes_mean(const struct picture *shape, const double value[3]);

/* Wang et al. 2004 (doi:10.1109/TIP.2003.819861) over windows of 8 × 8 samples, every 4 samples, of
 * equal weight; rows and columns beyond a multiple of 4 are left out. NAN: no window fits. */
double plane_ssim(const struct picture *a, const struct picture *b, int plane);

#endif
