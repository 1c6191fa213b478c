package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/common/version"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector"
	"whereby_exporter/collector/server"
)

// Run is the command run.
type Run struct {
	Flags `embed:""`
}

// Flags are the flags of run, which check takes too.
type Flags struct {
	Whereby Whereby        `embed:"" prefix:"whereby." group:"whereby"`
	Poll    Poll           `embed:"" prefix:"poll." group:"poll"`
	Storage Storage        `embed:"" prefix:"storage." group:"poll"`
	Webhook Webhook        `embed:"" prefix:"webhook." group:"webhook"`
	Web     server.Options `embed:"" prefix:"web." group:"web"`
}

// validate checks every flag and gives all errors.
func (f *Flags) validate() error {
	return errors.Join(f.Whereby.validate(), f.Poll.validate(), f.Webhook.validate(), f.Web.Check())
}

// Run serves until the context is done.
func (r *Run) Run(env *Env) error {
	if err := r.validate(); err != nil {
		return err
	}
	key, err := r.Whereby.key(env.Getenv)
	if err != nil {
		return err
	}
	client, err := r.Whereby.client(key, http.DefaultTransport)
	if err != nil {
		return err
	}
	verifier, err := r.Webhook.verifier(env.Getenv)
	if err != nil {
		return err
	}
	return serve(env, r.Web, r.Webhook.options(), collector.Config{
		Client:           client,
		Webhooks:         verifier,
		StoragePath:      r.Storage.Path,
		PollInterval:     r.Poll.Interval,
		FullScanInterval: r.Poll.FullScanInterval,
		Logger:           env.Log,
	}, func(*server.Server) {
		// Not before, so that a mistake is one line on its own.
		env.Log.Info("starting whereby_exporter", version.Slog()...)
		if verifier == nil {
			env.Log.Info("webhooks are off, so there are no live figures; to turn them on, set " + secretVariable + " or --webhook.secret-file")
		}
	})
}

// serve runs a collector and its addresses until the context is done or one of
// them fails. started is called once everything listens.
func serve(env *Env, o server.Options, w server.WebhookOptions, config collector.Config, started func(*server.Server)) error {
	c, err := collector.New(config)
	if err != nil {
		if config.StoragePath != "" {
			return fmt.Errorf("--storage.path=%s: %w", config.StoragePath, err)
		}
		return err
	}
	s, err := server.New(o, server.Handlers{Metrics: c.Metrics(), Rooms: c.Rooms(), Ready: c.Ready}, env.Log)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	servers := []*server.Server{s}
	if h := c.Webhook(); h != nil {
		s, err := server.NewWebhook(w, h, env.Log)
		if err != nil {
			servers[0].Close()
			return errors.Join(err, c.Close())
		}
		servers = append(servers, s)
	}
	started(s)

	group, ctx := errgroup.WithContext(env.Context)
	for _, s := range servers {
		group.Go(func() error { return s.Run(ctx) })
	}
	group.Go(func() error { return c.Run(ctx) })
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	err = errors.Join(err, c.Close())
	if err == nil {
		env.Log.Info("stopped")
	}
	return err
}
