import Web

/// Scripts by which shells complete the command line. They ask the program itself, so that they are never out of date.
enum CompletionScript: String, CaseIterable {
    case bash, zsh, fish

    /// How the scripts ask: `promenade __complete -- WORD…`, the last word being the one at the cursor.
    static let question = "__complete"

    /// The script.
    var text: String { text(for: ProgramName.called) }

    /// The script for a program that is called so.
    func text(for name: String) -> String {
        switch self {
        case .bash:
            """
            # bash completion of \(name): source <(\(name) completion bash)
            _\(name)() {
                local word=$2 words=("${COMP_WORDS[@]:1:COMP_CWORD}") answers prefix=
                # bash splits words at = and :, the program does not.
                local line=${COMP_LINE:0:COMP_POINT}
                local typed=${line##*[[:space:]]}
                local -a whole
                read -ra whole <<<"$line"
                [[ $line == *[[:space:]] ]] && whole+=("")
                mapfile -t answers < <("${COMP_WORDS[0]}" __complete -- "${whole[@]:1}" 2>/dev/null)
                if [[ $typed != "$word" ]]; then prefix=${typed%"$word"}; fi
                [[ $word == [=:] ]] && prefix=$typed
                COMPREPLY=()
                local answer
                for answer in "${answers[@]}"; do COMPREPLY+=("${answer#"$prefix"}"); done
                if [[ ${#COMPREPLY[@]} -ge 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
            }
            complete -o default -F _\(name) \(name)

            """
        case .zsh:
            """
            #compdef \(name)
            # zsh completion of \(name): source <(\(name) completion zsh)
            _\(name)() {
                local -a answers
                answers=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
                answers=("${(@)answers:#}")
                if (( ${#answers} )); then
                    compadd -S ' ' -- "${(@)answers:#*=}"
                    compadd -S '' -- "${(@M)answers:#*=}"
                else
                    _files
                fi
            }
            compdef _\(name) \(name)
            # As a file of fpath, it is read at the first question, which it has to answer itself.
            if [[ ${funcstack[1]-} == _\(name) ]]; then _\(name) "$@"; fi

            """
        case .fish:
            """
            # fish completion of \(name): \(name) completion fish | source
            function __\(name)_complete
                set -l words (commandline -opc)
                \(name) __complete -- $words[2..] (commandline -ct) 2>/dev/null
            end
            function __\(name)_answers
                set -l answers (__\(name)_complete)
                test -n "$answers[1]"
            end
            # Files are offered where the program has nothing to say.
            complete -c \(name) -f -n __\(name)_answers -a '(__\(name)_complete)'

            """
        }
    }
}
