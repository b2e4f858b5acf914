# Completion of oriel in bash; what fits says `oriel complete`.
_oriel()
{
    local line=${COMP_LINE:0:COMP_POINT} word meaning done
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    COMPREPLY=()
    # Readline replaces what comes after the last = or : only.
    done=${words[-1]}
    [[ $done == *[=:]* ]] && done=${done%"${done##*[=:]}"} || done=
    while IFS=$'\t' read -r word meaning; do
        if [[ $word == :file ]]; then
            compopt -o filenames 2>/dev/null
            while read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -f -- "${words[-1]#"$done"}")
        else
            COMPREPLY+=("${word#"$done"}")
            [[ $word == *= ]] && compopt -o nospace 2>/dev/null
        fi
    done < <("${words[0]}" complete "${words[@]}" 2>/dev/null)
}
complete -F _oriel oriel
