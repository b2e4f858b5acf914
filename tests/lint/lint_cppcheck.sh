#!/bin/sh
# cppcheck over ab, host, modules and ctl: what it calls errors, performance and portability. Its warnings about null
# pointers take every test of a pointer for a hint that it may be null before, so they are left out.
exec "$1" --quiet --std=c11 --language=c --error-exitcode=1 --inline-suppr -j 2 \
    --enable=performance,portability --suppress=unknownMacro \
    -D_GNU_SOURCE -DORIEL_VERSION='""' -Ihost -Isdk/include -I. ab host modules ctl
