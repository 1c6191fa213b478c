package reference

import (
	"slices"

	"github.com/alecthomas/kong"
)

func commandNames(model *kong.Application) []string {
	var names []string
	for _, command := range model.Children {
		names = append(names, command.Name)
	}
	return names
}

// flagsOf returns the flags that may follow a command.
func flagsOf(model *kong.Application, name string) []*kong.Flag {
	for _, command := range model.Children {
		if command.Name == name {
			return slices.Concat(command.Flags, model.Flags)
		}
	}
	return nil
}

// kind is what a shell should offer as a flag's value.
func kind(flag *kong.Flag) string {
	switch {
	case flag.IsBool():
		return "none"
	case flag.Enum != "":
		return "enum"
	case flag.PlaceHolder == "FILE":
		return "file"
	case flag.PlaceHolder == "DIR":
		return "dir"
	}
	return "text"
}

// everyFlag has one flag of each name.
func everyFlag(model *kong.Application) []*kong.Flag {
	var flags []*kong.Flag
	seen := map[string]bool{}
	for _, command := range model.Children {
		for _, flag := range flagsOf(model, command.Name) {
			if !seen[flag.Name] {
				seen[flag.Name] = true
				flags = append(flags, flag)
			}
		}
	}
	return flags
}
