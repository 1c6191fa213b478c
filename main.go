// Command whereby_exporter exposes the usage of a Whereby account to Prometheus.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"whereby_exporter/collector/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(app.Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
