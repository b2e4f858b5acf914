# SPDX-License-Identifier: BSD-3-Clause
# Makes comments of the headers Doxygen's: the first one belongs to the file, one behind code to that
# code, any other to what follows it.
/SPDX-License-Identifier/ { next }
!/^#/ {
    while (match($0, /[^\\]<[a-z]/)) # "<kind>" is no HTML
        $0 = substr($0, 1, RSTART) "\\" substr($0, RSTART + 1)
}
/^[ \t]*\/\*/ && !seen++ { sub(/\/\*/, "/** \\file\n *"); print; next }
/^[ \t]*\/\*/ { sub(/\/\*/, "/**"); print; next }
/[^ \t].*\/\*/ { sub(/\/\*/, "/**<") }
{ print }
