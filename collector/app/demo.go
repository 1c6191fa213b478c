package app

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/server"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// Demo is the command demo.
type Demo struct {
	Web     server.Options `embed:"" prefix:"web." group:"web"`
	Sidecar Sidecar        `embed:"" prefix:"sidecar." group:"sidecar"`
	History DemoHistory    `embed:"" prefix:"history." group:"history"`
}

const (
	// demoSeed makes every demo the same account.
	demoSeed = 1
	// demoKey opens the simulated account, and nothing else.
	demoKey = "demo"
	// demoPollInterval is short, so that a visitor sees figures move.
	demoPollInterval = 5 * time.Second
	demoMaxAge       = 5 * time.Minute
	// demoPoints is more than the Enterprise plan's 1,000, for a visitor would wait two minutes
	// while it reads what rooms used before the period began, and then call quality.
	demoPoints = 5000
	// demoShare leaves the simulated organization a fifth. Below that, sampling would
	// hold off as it does for production.
	demoShare       = 0.8
	demoWebhookPath = "/webhook"
)

// demoConfig is a template of the demo's configuration.
//
//go:embed demo.yml
var demoConfig string

// Run serves a simulated account until the context is done.
func (d *Demo) Run(env *Env) error {
	hangups, stop := hangups()
	defer stop()
	now := time.Now()
	past, err := d.History.options(now)
	if err := errors.Join(d.Web.Check(), d.Sidecar.validate(), err); err != nil {
		return err
	}
	points, share := demoPoints, demoShare
	if past.Output != "" {
		points, share = points*historyPoints, share/historyPoints
	}
	account := wherebytest.Demo(demoSeed, now, wherebytest.DemoOptions{Config: wherebytest.Config{
		APIKey: demoKey, PointsPerMinute: points,
		// Calls are good, except those of globex-clinic-.
		Networks: wherebytest.NetworkMix{Good: 97, Spiky: 2, Congested: 1},
	}})
	customers := demoCustomers(now)
	for _, c := range customers {
		c.addTo(account, now)
	}
	customers[0].overrun(account, now)
	storeRecordings(account, customers, now)
	client, err := demoClient(account.RoundTripper(), share)
	if err != nil {
		return err
	}
	secret := rand.Text()
	verifier, err := whereby.NewVerifier(demoMaxAge, secret)
	if err != nil {
		return err
	}
	text, err := demoFile(customers)
	if err != nil {
		return err
	}
	file, err := config.Parse("demo.yml", text, alertOptions())
	if err != nil {
		return err
	}
	return service{
		collector: collector.Config{
			Client:           client,
			File:             file,
			Webhooks:         verifier,
			PollInterval:     demoPollInterval,
			FullPollInterval: time.Hour,
			Logger:           env.Log,
		},
		web:     d.Web,
		sidecar: d.Sidecar,
		reload:  &reloader{hangups: hangups, env: env, load: func() (*config.Config, error) { return file, nil }},
		started: func(s *server.Server) { d.greet(env, s) },
		alongside: func(ctx context.Context, c *collector.Collector) error {
			sender := wherebytest.Sender{
				Account: account, URL: "http://exporter" + demoWebhookPath, Secret: secret,
				Client: &http.Client{Transport: wherebytest.HandlerTransport(c.Webhook())},
				// As Whereby does: some events come twice, some late.
				Faults: wherebytest.DeliveryFaults{Seed: demoSeed, Duplicated: 0.02, Delayed: 0.05, MaxDelay: 3 * time.Second},
			}
			group, ctx := errgroup.WithContext(ctx)
			group.Go(func() error { return sender.Run(ctx) })
			if past.Output != "" {
				group.Go(func() error { return d.History.write(ctx, past, file, account.RoundTripper(), env.Log) })
			}
			return group.Wait()
		},
	}.serve(env)
}

// demoClient reads the account within a share of its points.
func demoClient(account http.RoundTripper, share float64) (*whereby.Client, error) {
	readCost := 1 // as in the account: nobody has to wait until that is learned
	return Whereby{
		URL:            whereby.DefaultBaseURL, // never reached: the transport is the account
		RateLimitShare: share,
		ReadCost:       &readCost,
	}.client(whereby.StaticKey(demoKey), account)
}

// greet prints where to look.
func (d *Demo) greet(env *Env, s *server.Server) {
	for _, addr := range s.Addrs() {
		fmt.Fprintf(env.Stdout, `A simulated Whereby account is being served; stop with Ctrl-C. Open:
  %[1]s/                                  status page: initech-trial- goes over its quota within two minutes
  %[1]s%[2]s                           metrics
  %[1]s/api/v1/rooms?room_prefix=acme-    the rooms behind a figure
`, "http://"+localAddress(addr), d.Web.TelemetryPath)
	}
	fmt.Fprintf(env.Stdout, "Next: follow docs/tutorial.md to see an alert fire. For your own account, set %s and run: %s run\n", keyVariable, program)
}

// localAddress returns an address that a browser on this machine can open.
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
