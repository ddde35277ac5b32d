/// Scripts by which shells complete the command line. They ask the program itself, so that they are never out of date.
enum CompletionScript: String, CaseIterable {
    case bash, zsh, fish

    /// How the scripts ask: `promenade __complete -- WORD…`, the last word being the one at the cursor.
    static let question = "__complete"

    /// The script.
    var text: String {
        switch self {
        case .bash:
            """
            # bash completion of promenade: source <(promenade completion bash)
            _promenade() {
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
            complete -o default -F _promenade promenade

            """
        case .zsh:
            """
            #compdef promenade
            # zsh completion of promenade: source <(promenade completion zsh)
            _promenade() {
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
            compdef _promenade promenade
            # As a file of fpath, it is read at the first question, which it has to answer itself.
            if [[ ${funcstack[1]-} == _promenade ]]; then _promenade "$@"; fi

            """
        case .fish:
            """
            # fish completion of promenade: promenade completion fish | source
            function __promenade_complete
                set -l words (commandline -opc)
                promenade __complete -- $words[2..] (commandline -ct) 2>/dev/null
            end
            function __promenade_answers
                set -l answers (__promenade_complete)
                test -n "$answers[1]"
            end
            # Files are offered where the program has nothing to say.
            complete -c promenade -f -n __promenade_answers -a '(__promenade_complete)'

            """
        }
    }
}
