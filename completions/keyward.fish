# Completions of keyward for fish. What may be typed says `keyward complete`; nothing of its answer is ever run.

function __keyward_complete
    command -q keyward; or return
    set -l before (commandline -opc)
    set -l word (commandline -ct)
    set -l answer (command keyward complete "--word=$word" -- $before[2..-1] 2>/dev/null)
    switch "$answer[1]"
        case files
            __fish_complete_path "$word"
        case folders
            __fish_complete_directories "$word"
        case words
            test (count $answer) -gt 1; and printf '%s\n' $answer[2..-1]
    end
end

complete -c keyward -f -a '(__keyward_complete)'
