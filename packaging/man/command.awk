# `oriel COMMAND --help` as a manual page; after roff.awk.

# Bold what is typed as it stands, italic what stands for something.
function term(text,    out, i, n, words, word) {
    n = split(text, words, " ")
    for (i = 1; i <= n; i++) {
        word = escape(words[i])
        if (word ~ /^(\\-|[a-z])/)
            word = "\\fB" word "\\fR"
        else if (word ~ /^[A-Z]/)
            word = "\\fI" word "\\fR"
        out = out (i > 1 ? " " : "") word
    }
    return out
}

function title(name) {
    if (name != current)
        printf ".SH %s\n", name
    current = name
    paragraph = 0
}

function synopsis(text,    at) {
    at = match(text, /^oriel( [a-z]+)?/)
    if (at)
        return "\\fB" substr(text, 1, RLENGTH) "\\fR" escape(substr(text, RLENGTH + 1))
    return escape(text)
}

BEGIN { head() }

/^usage: / {
    title("SYNOPSIS")
    print synopsis(substr($0, 8))
    in_usage = 1
    next
}
in_usage && /^       / {
    sub(/^ +/, "")
    printf ".br\n%s\n", synopsis($0)
    next
}
in_usage {
    in_usage = 0
    title("DESCRIPTION")
    print toupper(substr(escape(summary), 1, 1)) substr(escape(summary), 2) "."
    paragraph = 1
}
/^$/ {
    paragraph = 1
    next
}
/^  [^ ]/ {
    title(page == "oriel" ? "COMMANDS" : "OPTIONS")
    sub(/^  /, "")
    gap = match($0, /  +/)
    meaning = gap ? substr($0, gap + RLENGTH) : ""
    printf ".TP\n%s\n", term(gap ? substr($0, 1, gap - 1) : $0)
    if (meaning != "")
        print escape(meaning)
    paragraph = 1
    next
}
/^   / {
    sub(/^ +/, "")
    print escape($0)
    next
}
/^[A-Z][a-z ]+:$/ {
    title("OPTIONS")
    printf ".SS %s\n", escape(substr($0, 1, length($0) - 1))
    next
}
{
    if (paragraph)
        print ".PP"
    paragraph = 0
    print escape($0)
}
