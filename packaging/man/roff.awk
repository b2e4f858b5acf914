# What both generators of manual pages need.
function escape(text,    out, at) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    while ((at = match(text, /`[^`]+`/))) {
        out = out substr(text, 1, at - 1) "\\fB" substr(text, at + 1, RLENGTH - 2) "\\fR"
        text = substr(text, at + RLENGTH)
    }
    out = out text
    sub(/^[.']/, "\\\\\\&&", out)
    return out
}

# -v page=oriel-serve -v section=1 -v date=… -v release=… -v summary=…
function head() {
    printf ".\\\" Made when Oriel is built, from the program's own tables.\n"
    printf ".TH %s %s %s \"oriel %s\" \"Oriel\"\n", toupper(escape(page)), section, date, release
    printf ".nh\n.ad l\n"
    printf ".SH NAME\n%s \\- %s\n", escape(page), escape(summary)
}
