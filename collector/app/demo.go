package app

import (
	"fmt"
	"net"
	"time"

	"whereby_exporter/collector"
	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// Demo is the command demo.
type Demo struct {
	Web server.Options `embed:"" prefix:"web." group:"web"`
}

const (
	// demoSeed makes every demo the same account.
	demoSeed = 1
	// demoKey opens the simulated account, and nothing else.
	demoKey = "demo"
	// demoPollInterval is short, so that a visitor sees figures move.
	demoPollInterval = 5 * time.Second
)

// Run serves a simulated account until the context is done.
func (d *Demo) Run(env *Env) error {
	if err := d.Web.Check(); err != nil {
		return err
	}
	account := wherebytest.Demo(demoSeed, time.Now(), wherebytest.DemoOptions{Config: wherebytest.Config{APIKey: demoKey}})
	client, err := Whereby{
		URL:            whereby.DefaultBaseURL, // never reached: the transport is the account
		RateLimitShare: 0.25,
	}.client(whereby.StaticKey(demoKey), account.RoundTripper())
	if err != nil {
		return err
	}
	return serve(env, d.Web, server.WebhookOptions{}, collector.Config{
		Client:           client,
		PollInterval:     demoPollInterval,
		FullScanInterval: time.Hour,
		Logger:           env.Log,
	}, func(s *server.Server) {
		for _, addr := range s.Addrs() {
			base := "http://" + localAddress(addr)
			fmt.Fprintf(env.Stdout, `A simulated Whereby account is being served; stop with Ctrl-C. Open:
  %[1]s/                                  overview
  %[1]s%[2]s                           metrics
  %[1]s/api/v1/rooms?room_prefix=acme-    the rooms behind a figure
`, base, d.Web.TelemetryPath)
		}
	})
}

// localAddress is an address that a browser on this machine can open.
func localAddress(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
