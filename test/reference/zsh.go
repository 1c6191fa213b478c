package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// quote is for text between single quotes, in which zsh and fish differ.
func quote(text, apostrophe string) string {
	return "'" + strings.ReplaceAll(text, "'", apostrophe) + "'"
}

func zshCompletion(model *kong.Application) string {
	var b strings.Builder
	b.WriteString("#compdef whereby_exporter\n# " + generated + `

local command= word
local -a subcommands flags
subcommands=(
`)
	for _, command := range model.Children {
		fmt.Fprintf(&b, "    %s\n", quote(command.Name+":"+command.Help, `'\''`))
	}
	fmt.Fprintf(&b, `)
for word in ${words[2,CURRENT-1]}; do
    case $word in
    %s) command=$word; break ;;
    esac
done
case $command in
`, strings.Join(commandNames(model), "|"))
	escape := strings.NewReplacer(`[`, `\[`, `]`, `\]`, `:`, `\:`)
	for i, command := range model.Children {
		pattern := command.Name
		if i == 0 {
			pattern += "|''"
		}
		fmt.Fprintf(&b, "%s) flags=(\n", pattern)
		for _, flag := range flagsOf(model, command.Name) {
			spec := "--" + flag.Name
			value := strings.ToLower(flag.PlaceHolder)
			switch kind(flag) {
			case "none":
				spec += "[" + escape.Replace(flag.Help) + "]"
			case "file":
				spec += "=[" + escape.Replace(flag.Help) + "]:" + value + ":_files"
			case "dir":
				spec += "=[" + escape.Replace(flag.Help) + "]:" + value + ":_files -/"
			case "enum":
				spec += "=[" + escape.Replace(flag.Help) + "]:value:(" + strings.ReplaceAll(flag.Enum, ",", " ") + ")"
			default:
				spec += "=[" + escape.Replace(flag.Help) + "]:" + escape.Replace(value) + ": "
			}
			fmt.Fprintf(&b, "    %s\n", quote(spec, `'\''`))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString(`esac
if [[ -z $command && ${words[CURRENT]} != -* ]]; then
    _describe command subcommands
else
    _arguments $flags '*: :'
fi
`)
	return b.String()
}
