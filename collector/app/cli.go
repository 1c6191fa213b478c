package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/prefix"
)

const (
	// program is the name of the program.
	program = "whereby_exporter"
	// variables begins the names of the flags' environment variables.
	variables = "WHEREBY_EXPORTER"
)

// cli is the command line. Every flag has an environment variable too.
type cli struct {
	Log struct {
		Level  lower `default:"info" enum:"debug,info,warn,error" help:"Least severe level to log: ${enum} (${default})."`
		Format lower `default:"logfmt" enum:"logfmt,json" help:"Format of the log: ${enum} (${default})."`
	} `embed:"" prefix:"log." group:"Logging"`
	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`

	Run         Run         `cmd:"" default:"withargs" help:"Serve the metrics of a Whereby account (the default command)."`
	Demo        Demo        `cmd:"" help:"Serve the metrics of a simulated account: no API key, no network."`
	Check       Check       `cmd:"" help:"Check the configuration, or print what polling an account costs."`
	Backfill    Backfill    `cmd:"" help:"Write past usage as OpenMetrics text, for promtool to create blocks from."`
	Alerts      Alerts      `cmd:"" help:"Write the alerting rules, with the thresholds of the configuration file."`
	Dashboards  Dashboards  `cmd:"" help:"Write the Grafana dashboards."`
	Backup      Backup      `cmd:"" help:"Write a copy of a running exporter's state."`
	Healthcheck Healthcheck `cmd:"" help:"Check whether a running exporter is healthy; for containers without a shell."`
}

// newParser makes the parser of a command line.
func newParser(c *cli, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name(program),
		kong.Description("Prometheus exporter for Whereby: usage, quotas and live participants by room prefix."),
		kong.Vars{"version": version.Print(program)},
		kong.DefaultEnvars(variables),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(flagGroups()),
	}, options...)...)
}

// CommandLine returns the model of the command line: all commands and their flags.
func CommandLine() (*kong.Application, error) {
	parser, err := newParser(&cli{})
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

// Main runs the program until it ends or the context is done. It returns the exit
// status. Flags that are not given come from the environment of the process.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var (
		c    cli
		done bool
	)
	parser, err := newParser(&c, kong.Writers(stdout, stderr), kong.Exit(func(int) { done = true }))
	if err != nil {
		return fail(stderr, err)
	}
	unsetEmptyVariables(parser.Model)
	command, err := parser.Parse(args)
	switch {
	case done: // --help or --version has printed what was asked for
		return 0
	case err != nil:
		return fail(stderr, parseError(err, parser.Model))
	}
	if err := checkStorageVariables(command, os.Environ()); err != nil {
		return fail(stderr, err)
	}
	log := newLogger(string(c.Log.Level), string(c.Log.Format), stderr)
	err = command.Run(&Env{Context: ctx, Stdout: stdout, Stderr: stderr, Log: log, Getenv: os.Getenv})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fail(stderr, err)
	}
	return 0
}

func newLogger(level, format string, w io.Writer) *slog.Logger {
	config := promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat(), Writer: w}
	// Kong has checked both against the same lists.
	_ = config.Level.Set(level)
	_ = config.Format.Set(format)
	return promslog.New(&config)
}

// fail prints an error on one line: several may be joined. Only a configuration file
// may have a line for each mistake in it.
func fail(stderr io.Writer, err error) int {
	var file *config.Error
	if errors.As(err, &file) {
		for _, problem := range file.Problems {
			fmt.Fprintf(stderr, "%s: %s\n", program, problem)
		}
		return 1
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	// It may hold what Whereby, or a proxy before it, answered.
	text := prefix.Escape(strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": "))
	fmt.Fprintf(stderr, "%s: %s\n", program, text)
	return 1
}
