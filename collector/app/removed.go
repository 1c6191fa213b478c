package app

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// ownState is what to do in place of a flag on state that exporters shared.
const ownState = "state is kept in --storage.path only, and exporters of one account share nothing; " +
	"give each its own directory, webhook and share of the points, as docs/high-availability.md says"

// unknownFlag matches what Kong says of a flag that resembles none.
var unknownFlag = regexp.MustCompile(`^unknown flag (--\S+)$`)

// parseError adds to an error of the command line what to do.
func parseError(err error, model *kong.Application) error {
	if match := unknownFlag.FindStringSubmatch(err.Error()); match != nil {
		name := match[1]
		// A flag of another command was not removed.
		elsewhere := slices.ContainsFunc(allFlags(model), func(f *kong.Flag) bool { return "--"+f.Name == name })
		if strings.HasPrefix(name, "--storage.") && !elsewhere {
			return fmt.Errorf("%w: %s", err, ownState)
		}
	}
	help := program + " --help"
	// A command has flags of its own, except run, whose flags the general help shows.
	if parse := (*kong.ParseError)(nil); errors.As(err, &parse) && parse.Context != nil {
		if command := parse.Context.Selected(); command != nil && command.Name != "run" {
			help = program + " " + command.Name + " --help"
		}
	}
	if strings.HasSuffix(err.Error(), "?") {
		return fmt.Errorf("%w See %s", err, help)
	}
	return fmt.Errorf("%w; see %s", err, help)
}

// serviceVariable matches the names that Kubernetes gives every container for a service:
// one called whereby-exporter-storage has some that begin like those of flags.
var serviceVariable = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// checkStorageVariables finds variables on storage that belong to no flag, if the command
// has flags on storage. Kong ignores such variables: an exporter whose state was kept
// elsewhere would start with an empty store without a word. One that is empty asks for
// nothing.
func checkStorageVariables(command *kong.Context, environ []string) error {
	if !slices.ContainsFunc(command.Flags(), func(f *kong.Flag) bool { return f.Name == "storage.path" }) {
		return nil
	}
	var known, unknown []string
	for _, flag := range allFlags(command.Model) {
		known = append(known, flag.Envs...)
	}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, variables+"_STORAGE_") && value != "" && !slices.Contains(known, name) && !serviceVariable.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return errors.New("unknown variable " + strings.Join(unknown, ", ") + ": " + ownState)
}

// allFlags returns the flags of all commands.
func allFlags(model *kong.Application) []*kong.Flag {
	flags := slices.Clone(model.Flags)
	for _, command := range model.Children {
		flags = append(flags, command.Flags...)
	}
	return flags
}
