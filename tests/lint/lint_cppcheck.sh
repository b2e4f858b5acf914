#!/bin/sh
# cppcheck over host and modules. `missingInclude` and style opinions are left out.
exec "$1" --quiet --std=c11 --language=c --error-exitcode=1 --inline-suppr -j 2 \
    --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=unknownMacro \
    -D_GNU_SOURCE -DORIEL_VERSION='""' -Ihost -Isdk/include host modules
