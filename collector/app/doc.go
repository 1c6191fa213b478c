// Package app implements the program's commands: it parses flags, creates dependencies,
// runs them as one group of goroutines, and shuts them down.
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

// flagGroups returns the headings of --help, in order.
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
