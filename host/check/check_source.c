/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of the sources' tests. */
#include "check/fuzz.h"
#include "check/lives.h"
#include "check/source_tests.h"

const struct check check_source[] = {
    {"source.probe",
     "probe() scores any text from 0 to 100 without a crash, the same each time, and knows --data.",
     CHECK_SOURCE, 20, source_probe},
    {"source.missing",
     "open() of a file that is absent, empty or noise is IO or UNSUPPORTED, with a text that names "
     "it.",
     CHECK_SOURCE, 20, source_missing},
    {"source.describe", "describe() fills every text, has sound levels, axes and channels.",
     CHECK_SOURCE, 20, source_describe},
    {"source.read",
     "A box has the same values each time and whatever box it is read with, and "
     "nothing beyond it is written.",
     CHECK_SOURCE, 60, source_reads},
    {"source.wrong_regions",
     "A level that is not there, a box that leaves the array or has another size than `out` is "
     "INVALID with a text.",
     CHECK_SOURCE, 20, source_wrong_regions},
    {"source.cancel", "read() answers CANCELLED, or OK, when nobody wants the box any more.",
     CHECK_SOURCE, 30, source_cancel},
    {"source.threads", "read() on many threads at once gives what it gives alone.", CHECK_SOURCE,
     60, source_threads},
    {"source.bad_files",
     "A copy of --data with short or changed files is refused with a text, or read, without a "
     "crash.",
     CHECK_SOURCE, 60, source_bad_files},
    {"source.close_idle", "open() and close() leave no memory, descriptor or thread.", CHECK_SOURCE,
     30, source_close_idle},
    {"source.minimal_host", "It works on a host without optional interfaces.", CHECK_SOURCE, 20,
     source_minimal_host},
    {"source.future_host",
     "It works on a host of a later minor, and does not look behind the "
     "members that it knows.",
     CHECK_SOURCE, 20, source_future_host},
    {"source.fuzz", FUZZ_WANTS, CHECK_SOURCE, 60, fuzz_options},
    {"source.interface", LIVES_INTERFACE_WANTS, CHECK_SOURCE, 30, lives_interface},
    {"source.manners", LIVES_MANNERS_WANTS, CHECK_SOURCE, 30, lives_manners},
};
const size_t check_source_count = sizeof check_source / sizeof check_source[0];
