# `oriel modules --markdown` as the sections of a manual page; after roff.awk.
BEGIN {
    head()
    while ((getline line < fragment) > 0)
        print line
}

/^## / {
    printf ".SH %s\n", toupper(escape(substr($0, 4)))
    begun = 1
    written = 0
    next
}
!begun { next }
/^### / {
    printf ".SS %s\n", escape(substr($0, 5))
    written = 0
    next
}
/^\| name / || /^\|---/ { next }
/^\|/ {
    gsub(/\\\|/, "\001")
    split($0, cells, / *\| */)
    gsub(/`/, "", cells[2])
    gsub(/`/, "", cells[4])
    for (i = 2; i <= 5; i++)
        gsub(/\001/, "|", cells[i])
    value = escape(cells[4])
    gsub(/","/, "\",\\:\"", value) # where a long list may be broken
    printf ".TP\n\\fB%s\\fR (%s%s)\n", escape(cells[2]), escape(cells[3]), value == "" ? "" : "; " value
    print escape(cells[5])
    written = 1
    next
}
/^$/ { # a blank line after a heading is none
    paragraph = written
    next
}
{
    if (paragraph)
        print ".PP"
    paragraph = 0
    written = 1
    print escape($0)
}
