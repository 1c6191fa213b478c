package app

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// printHelp is Kong's help, but without a command it shows the commands together
// with the flags of run, which is the command that most people need.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if ctx.Selected() != nil {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	fmt.Fprintf(ctx.Stdout, "Usage: %s [<command>] [flags]\n\n%s\n\nCommands:\n", ctx.Model.Name, ctx.Model.Help)
	for _, command := range ctx.Model.Children {
		fmt.Fprintf(ctx.Stdout, "  %-13s%s\n", command.Name, command.Help)
	}
	fmt.Fprintf(ctx.Stdout, "\nRun \"%s <command> --help\" for the flags of a command. Those of run are:\n", ctx.Model.Name)
	run, err := kong.Trace(ctx.Kong, []string{"run"})
	if err != nil {
		return err
	}
	options.NoAppSummary = true
	return kong.DefaultHelpPrinter(options, run)
}
