# Completion of oriel in fish; what fits says `oriel complete`.
function __oriel_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete $words 2>/dev/null)
        if test "$line" = ":file"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c oriel -f -a '(__oriel_complete)'
