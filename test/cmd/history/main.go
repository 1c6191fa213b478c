// Command history writes the history of a simulated account into the data directory of
// a Prometheus: half a year, or as a JSON object on the command line specifies.
//
//	go -C test run ./cmd/history -output /tmp/whereby-prometheus
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"whereby_exporter/test/dashboards"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	output := flag.String("output", "", "the data directory")
	flag.Parse()
	if *output == "" {
		return fmt.Errorf("-output is missing")
	}
	h := dashboards.History{
		Customers: 8, Instances: []string{"localhost:10036"}, End: time.Now(), Days: 185,
		Dense: 8 * 24 * time.Hour, Step: 10 * time.Minute, Recorded: true,
	}
	if flag.NArg() > 0 {
		h = dashboards.History{}
		if err := json.Unmarshal([]byte(flag.Arg(0)), &h); err != nil {
			return fmt.Errorf("read what to write: %w", err)
		}
	}
	return h.Write(ctx, *output)
}
