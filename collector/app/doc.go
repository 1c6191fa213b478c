// Package app holds the commands of the program: flags in, dependencies made, one
// group of goroutines run, shutdown.
package app

import (
	"context"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"
)

// Env is what a command gets from the process.
type Env struct {
	Context context.Context
	Stdout  io.Writer
	// Stderr is where a person may watch; nil is nobody.
	Stderr io.Writer
	Log    *slog.Logger
	Getenv func(string) string
}

// flagGroups are the headings of --help, in order.
func flagGroups() []kong.Group {
	return []kong.Group{
		{Key: "whereby", Title: "Whereby's API"},
		{Key: "config", Title: "Configuration"},
		{Key: "poll", Title: "Polling and storage"},
		{Key: "webhook", Title: "Webhooks"},
		{Key: "web", Title: "Web address"},
		{Key: "sidecar", Title: "Rules for Prometheus, dashboards for Grafana"},
		{Key: "history", Title: "History"},
		{Key: "logging", Title: "Logging"},
	}
}
