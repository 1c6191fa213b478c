package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/common/version"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector"
	"whereby_exporter/collector/server"
	"whereby_exporter/collector/sidecar"
)

// Run is the command run.
type Run struct {
	Flags `embed:""`
}

// Flags are the flags of run, which check takes too.
type Flags struct {
	Config  Config         `embed:"" prefix:"config." group:"config"`
	Whereby Whereby        `embed:"" prefix:"whereby." group:"whereby"`
	Poll    Poll           `embed:"" prefix:"poll." group:"poll"`
	Storage Storage        `embed:"" prefix:"storage." group:"poll"`
	Webhook Webhook        `embed:"" prefix:"webhook." group:"webhook"`
	Web     server.Options `embed:"" prefix:"web." group:"web"`
	Sidecar Sidecar        `embed:"" prefix:"sidecar." group:"sidecar"`
}

// validate checks every flag and gives all errors.
func (f *Flags) validate() error {
	return errors.Join(f.Whereby.validate(), f.Poll.validate(), f.Storage.validate(), f.Webhook.validate(), f.Web.Check(), f.Sidecar.validate())
}

// Run serves until the context is done.
func (r *Run) Run(env *Env) error {
	hangups, stop := hangups()
	defer stop()
	if err := r.validate(); err != nil {
		return err
	}
	key, err := r.Whereby.key(env.Getenv)
	if err != nil {
		return err
	}
	seen := fingerprint(r.Config.File)
	file, err := r.Config.load()
	if err != nil {
		return err
	}
	transport := &transport{}
	if err := transport.use(file); err != nil {
		return fmt.Errorf("%s: %w", r.Config.File, err)
	}
	defer transport.close()
	client, err := r.Whereby.client(key, transport)
	if err != nil {
		return err
	}
	verifier, secrets, err := r.Webhook.verifier(env)
	if err != nil {
		return err
	}
	webhook := r.Webhook.options()
	return service{
		collector: collector.Config{
			Client:           client,
			File:             file,
			Webhooks:         verifier,
			StoragePath:      r.Storage.Path,
			RestoreFrom:      r.Storage.RestoreFrom,
			PollInterval:     r.Poll.Interval,
			FullPollInterval: r.Poll.FullPollInterval,
			Logger:           env.Log,
		},
		web:     r.Web,
		webhook: &webhook,
		secrets: secrets,
		sidecar: r.Sidecar,
		reload:  &reloader{file: r.Config.File, seen: seen, load: r.Config.load, transport: transport, hangups: hangups, env: env},
		started: func(web *server.Server) {
			// Not before, so that a mistake is one line on its own.
			env.Log.Info("starting whereby_exporter", version.Slog()...)
			for _, addr := range web.Addrs() {
				env.Log.Info("serving the status page", "address", localAddress(addr))
			}
			r.warnIgnored(env.Getenv, env.Log)
			if r.Config.File == "" {
				env.Log.Info("customers have no names or quotas; to set them, use --config.file")
			}
			noteProxy(env, file)
			// A demo keeps nothing either, and nobody expects it to.
			if r.Storage.Path == "" {
				env.Log.Warn("state is kept in memory only; after a restart, rooms that Whereby has deleted no longer count")
			}
			if verifier == nil {
				env.Log.Info("webhooks are off, so there are no live figures; to receive webhooks, set " + secretVariable + " or --webhook.secret-file")
			}
		},
	}.serve(env)
}

// service is a collector and what belongs to it.
type service struct {
	collector collector.Config
	web       server.Options
	// webhook is the address of webhooks; nil if they come another way.
	webhook *server.WebhookOptions
	secrets *secretsWatch // nil if they are in no file
	sidecar Sidecar
	reload  *reloader
	// started is called once everything listens.
	started func(web *server.Server)
	// alongside runs with the collector until its context is done; nil is nothing.
	alongside func(context.Context, *collector.Collector) error
}

// serve runs until the context is done or a part fails.
func (s service) serve(env *Env) error {
	c, err := collector.New(s.collector)
	if err != nil {
		if s.collector.StoragePath != "" {
			return storageError(s.collector.StoragePath, err)
		}
		return err
	}
	s.reload.collector = c
	if s.sidecar.RulesDir != "" {
		client, err := s.sidecar.client()
		if err != nil {
			return errors.Join(err, c.Close())
		}
		defer client.CloseIdleConnections()
		s.reload.rules = sidecar.New(sidecar.Options{
			Dir: s.sidecar.RulesDir, Prefix: rulesPrefix, ReloadURL: s.sidecar.ReloadURL, Client: client,
			OnLoaded: c.RulesLoaded, Logger: env.Log,
		})
		if err := s.reload.setRules(s.collector.File); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	servers, err := s.listen(c, env.Log)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	s.started(servers[0])

	group, ctx := errgroup.WithContext(env.Context)
	for _, server := range servers {
		group.Go(func() error { return server.Run(ctx) })
	}
	group.Go(func() error { return c.Run(ctx) })
	group.Go(func() error { return s.reload.run(ctx) })
	if s.secrets != nil {
		group.Go(func() error { return s.secrets.run(ctx) })
	}
	if s.reload.rules != nil {
		group.Go(func() error { return s.reload.rules.Run(ctx) })
	}
	if s.sidecar.DashboardsDir != "" {
		keeper := sidecar.Dashboards{Dir: s.sidecar.DashboardsDir, Prefix: dashboardsPrefix, Files: dashboardFiles(), Logger: env.Log}
		group.Go(func() error { return keeper.Run(ctx) })
	}
	if s.alongside != nil {
		group.Go(func() error { return s.alongside(ctx, c) })
	}
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

// listen binds the addresses, that of the metrics first.
func (s service) listen(c *collector.Collector, log *slog.Logger) ([]*server.Server, error) {
	status, err := c.Status(s.web.TelemetryPath)
	if err != nil {
		return nil, err
	}
	handlers := server.Handlers{Metrics: c.Metrics(), Rooms: c.Rooms(), Status: status, Ready: c.Ready, Reload: s.reload.reload, Backup: c.Backup, Refused: c.WebRefused}
	web, err := server.New(s.web, handlers, log)
	if err != nil {
		return nil, err
	}
	if s.webhook == nil || c.Webhook() == nil {
		return []*server.Server{web}, nil
	}
	options := *s.webhook
	options.Evicted = c.WebhookEvicted
	options.Elsewhere = c.WebhookElsewhere()
	webhook, err := server.NewWebhook(options, c.Webhook(), log)
	if err != nil {
		web.Close()
		return nil, err
	}
	return []*server.Server{web, webhook}, nil
}
