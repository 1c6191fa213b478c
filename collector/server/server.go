// Package server serves the exporter's web address: the metrics, the rooms behind
// them, the landing page and the health endpoints.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

// drainTime is how long requests under way may take to end after SIGTERM. The
// process promises to be gone within 5 s.
const drainTime = 3 * time.Second

// Options are the flags of the web address; they mean what they mean in all
// exporters that use the exporter-toolkit.
type Options struct {
	ListenAddress []string `default:":10036" placeholder:"ADDRESS" help:"Address to serve metrics on (${default}). Repeatable."`
	SystemdSocket bool     `help:"Use systemd socket activation instead of --web.listen-address."`
	ConfigFile    string   `placeholder:"FILE" help:"TLS, basic authentication and HTTP headers, in the exporter-toolkit's format."`
	TelemetryPath string   `default:"/metrics" placeholder:"PATH" help:"Path of the metrics (${default})."`
}

// Validate checks what can be checked without listening.
func (o Options) Validate() error {
	if !strings.HasPrefix(o.TelemetryPath, "/") || o.TelemetryPath == "/" || strings.HasPrefix(o.TelemetryPath, "/-/") {
		return fmt.Errorf("--web.telemetry-path=%q: must begin with a slash and be a path of its own, for instance /metrics", o.TelemetryPath)
	}
	if err := web.Validate(o.ConfigFile); err != nil {
		return fmt.Errorf("--web.config.file=%s: %w", o.ConfigFile, err)
	}
	return nil
}

// Handlers are what is served.
type Handlers struct {
	Metrics, Rooms http.Handler
	// Ready tells whether the first complete poll has been.
	Ready func() bool
}

// Server listens from New on and serves from Run on.
type Server struct {
	options   Options
	listeners []net.Listener
	server    *http.Server
	log       *slog.Logger
}

// New binds the addresses, so that a port that is taken is known at once.
func New(o Options, h Handlers, log *slog.Logger) (*Server, error) {
	mux, err := newMux(o.TelemetryPath, h)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o,
		log:     log,
		server: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
	if o.SystemdSocket {
		return s, nil
	}
	for _, address := range o.ListenAddress {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			s.close()
			return nil, listenError(address, err)
		}
		s.listeners = append(s.listeners, listener)
	}
	return s, nil
}

func listenError(address string, err error) error {
	hint := "choose another with --web.listen-address"
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the address is already in use; stop what uses it, or %s", address, hint)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listen on %s: %w; %s", address, err, hint)
}

func (s *Server) close() {
	for _, listener := range s.listeners {
		_ = listener.Close()
	}
}

// Addrs are the addresses that are listened on.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, listener := range s.listeners {
		addrs = append(addrs, listener.Addr())
	}
	return addrs
}

// Run serves until the context is done, lets requests under way end, and returns
// nil then.
func (s *Server) Run(ctx context.Context) error {
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.drain()
	})
	err := s.serve()
	if !stop() {
		<-drained
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.close()
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (s *Server) serve() error {
	flags := &web.FlagConfig{
		WebListenAddresses: &s.options.ListenAddress,
		WebSystemdSocket:   &s.options.SystemdSocket,
		WebConfigFile:      &s.options.ConfigFile,
	}
	if s.options.SystemdSocket {
		return web.ListenAndServe(s.server, flags, s.log)
	}
	return web.ServeMultiple(s.listeners, s.server, flags, s.log)
}

func (s *Server) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off at shutdown", "err", err)
		_ = s.server.Close()
	}
}

// newMux lays the endpoints out.
func newMux(telemetryPath string, h Handlers) (http.Handler, error) {
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name:        "whereby_exporter",
		Description: "Usage of a Whereby account by room prefix",
		Version:     version.Info(),
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: telemetryPath, Text: "Metrics"},
			{Address: "/api/v1/rooms?room_prefix=_none", Text: "Rooms", Description: "as JSON, by room prefix; here those without one"},
			{Address: "/-/ready", Text: "Ready", Description: "after the first complete poll"},
			{Address: "/-/healthy", Text: "Healthy"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the landing page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", landing)
	mux.Handle(telemetryPath, h.Metrics)
	mux.Handle("/api/v1/rooms", h.Rooms)
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "whereby_exporter is healthy.")
	})
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !h.Ready() {
			http.Error(w, "whereby_exporter is not ready: no poll has succeeded since it started.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "whereby_exporter is ready.")
	})
	return mux, nil
}
