#!/bin/sh
# Layout is clang-format's decision (.clang-format); tables are left as they were generated.
find ab host modules sdk ctl tests \( -name '*.c' -o -name '*.h' -o -name '*.cpp' \) \
    ! -name '*_tables.c' ! -path '*/build/*' -print0 | xargs -0 "$1" --dry-run --Werror
