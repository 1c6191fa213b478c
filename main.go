// Command whereby_exporter exposes the usage of a Whereby account to Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/version"

	"whereby_exporter/collector/app"
	"whereby_exporter/collector/config"
)

// cli is the command line. Every flag has an environment variable too.
type cli struct {
	Log struct {
		Level  string `default:"info" enum:"debug,info,warn,error" help:"Least severe level to log: ${enum} (${default})."`
		Format string `default:"logfmt" enum:"logfmt,json" help:"Format of the log: ${enum} (${default})."`
	} `embed:"" prefix:"log." group:"Logging"`
	Version kong.VersionFlag `env:"-" help:"Print the version and exit."`

	Run         app.Run         `cmd:"" default:"withargs" help:"Serve the metrics of a Whereby account (the default command)."`
	Demo        app.Demo        `cmd:"" help:"Serve the metrics of a simulated account: no API key, no network."`
	Check       app.Check       `cmd:"" help:"Check the configuration, or print what polling an account costs."`
	Backfill    app.Backfill    `cmd:"" help:"Write past usage as OpenMetrics text, for promtool to make blocks of."`
	Alerts      app.Alerts      `cmd:"" help:"Write the alerting rules, with the thresholds of the configuration file."`
	Dashboards  app.Dashboards  `cmd:"" help:"Write the Grafana dashboards."`
	Healthcheck app.Healthcheck `cmd:"" help:"Ask a running exporter whether it is healthy; for containers without a shell."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var (
		c    cli
		done bool
	)
	parser, err := kong.New(&c,
		kong.Name("whereby_exporter"),
		kong.Description("Prometheus exporter for Whereby: usage, quotas and live participants by room prefix."),
		kong.Vars{"version": version.Print("whereby_exporter")},
		kong.DefaultEnvars("WHEREBY_EXPORTER"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { done = true }),
		kong.Help(app.PrintHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(app.FlagGroups()),
	)
	if err != nil {
		return fail(stderr, err)
	}
	command, err := parser.Parse(args)
	switch {
	case done: // --help or --version has printed what was asked for
		return 0
	case err != nil:
		return fail(stderr, fmt.Errorf("%w; see whereby_exporter --help", err))
	}
	log := newLogger(c.Log.Level, c.Log.Format, stderr)
	err = command.Run(&app.Env{Context: ctx, Stdout: stdout, Stderr: stderr, Log: log, Getenv: os.Getenv})
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
			fmt.Fprintf(stderr, "whereby_exporter: %s\n", problem)
		}
		return 1
	}
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	text := strings.ReplaceAll(strings.Join(lines, "; "), ":; ", ": ")
	fmt.Fprintf(stderr, "whereby_exporter: %s\n", text)
	return 1
}
