package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

func bashCompletion(model *kong.Application) string {
	var b strings.Builder
	b.WriteString("# " + generated + `

_whereby_exporter() {
    local word=${COMP_WORDS[COMP_CWORD]} flag= command= flags= i
    # Bash splits --flag=value at the equals sign.
    if [[ $word == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]} word=
    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $word != -* ]]; then
        flag=${COMP_WORDS[COMP_CWORD-1]}
    fi
    case $flag in
`)
	cases := map[string][]string{}
	for _, flag := range everyFlag(model) {
		action := ""
		switch kind(flag) {
		case "file":
			action = `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word")); return`
		case "dir":
			action = `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$word")); return`
		case "enum":
			action = fmt.Sprintf(`COMPREPLY=($(compgen -W '%s' -- "$word")); return`, strings.ReplaceAll(flag.Enum, ",", " "))
		case "text":
			action = "return"
		}
		if action != "" {
			cases[action] = append(cases[action], "--"+flag.Name)
		}
	}
	for _, action := range slices.Sorted(maps.Keys(cases)) {
		fmt.Fprintf(&b, "    %s) %s ;;\n", strings.Join(cases[action], "|"), action)
	}
	fmt.Fprintf(&b, `    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        %s) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
`, strings.Join(commandNames(model), "|"))
	for i, command := range model.Children {
		pattern := command.Name
		if i == 0 {
			pattern += "|''"
		}
		var names []string
		for _, flag := range flagsOf(model, command.Name) {
			names = append(names, "--"+flag.Name)
		}
		fmt.Fprintf(&b, "    %s) flags='%s' ;;\n", pattern, strings.Join(names, " "))
	}
	fmt.Fprintf(&b, `    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$word"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W '%s' -- "$word"))
    fi
}

complete -F _whereby_exporter whereby_exporter
`, strings.Join(commandNames(model), " "))
	return b.String()
}
