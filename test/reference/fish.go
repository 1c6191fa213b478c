package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

func fishCompletion(model *kong.Application) string {
	var b strings.Builder
	names := strings.Join(commandNames(model), " ")
	b.WriteString("# " + generated + "\n\ncomplete -c whereby_exporter -f\n")
	none := "not __fish_seen_subcommand_from " + names
	for _, command := range model.Children {
		fmt.Fprintf(&b, "complete -c whereby_exporter -n '%s' -a %s -d %s\n", none, command.Name, quote(command.Help, `\'`))
	}
	for i, command := range model.Children {
		condition := "__fish_seen_subcommand_from " + command.Name
		if i == 0 {
			condition += "; or " + none
		}
		for _, flag := range flagsOf(model, command.Name) {
			fmt.Fprintf(&b, "complete -c whereby_exporter -n '%s' -l %s", condition, flag.Name)
			switch kind(flag) {
			case "file":
				b.WriteString(" -rF")
			case "dir":
				b.WriteString(" -xa '(__fish_complete_directories)'")
			case "enum":
				fmt.Fprintf(&b, " -xa '%s'", strings.ReplaceAll(flag.Enum, ",", " "))
			case "text":
				b.WriteString(" -x")
			}
			fmt.Fprintf(&b, " -d %s\n", quote(flag.Help, `\'`))
		}
	}
	return b.String()
}
