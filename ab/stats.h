/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said about lists of numbers. Pure functions. */
#ifndef AB_STATS_H
#define AB_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NAN for none. */
double mean_of(const double *values, size_t count);
/* Sorts what is a number to the front; returns how many there are. */
size_t sort_numbers(double *values, size_t count);
/* `part` from 0 to 1 of sorted values, linear between them (Hyndman and Fan's type 7). */
double percentile(const double *sorted, size_t count, double part);

struct interval {
    double mean, low, high;
    bool significant; /* 0 is outside of [low, high] */
    size_t count;
};

/* The mean of paired differences, with a percentile interval from `resamples` bootstrap samples of
 * circular blocks of about count^(1/3) neighbours: pictures that follow each other are alike
 * (Politis and Romano 1992). The same seed gives the same interval. */
struct interval bootstrap_mean(const double *differences, size_t count, double confidence,
                               unsigned resamples, uint64_t seed);

/* A point of a rate-distortion curve. */
struct rd_point {
    double rate, quality;
};

/* Bjøntegaard's delta rate of `test` against `base`, in percent (-10: a tenth fewer bits for the
 * same quality): the mean over the range of quality that both have of the difference of the
 * logarithms of the rates, as piecewise cubic functions of the quality (PCHIP, Fritsch and
 * Carlson). False with the reason: fewer than two points, no common range, or a quality that does
 * not grow with the rate. */
bool bd_rate(const struct rd_point *base, size_t base_count, const struct rd_point *test,
             size_t test_count, double *percent, const char **why);

#endif
