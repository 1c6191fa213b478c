// Package server serves the exporter's web address: the metrics, the rooms behind them, the
// status page and the health endpoints. It also serves the webhook address.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"whereby_exporter/collector/state"
	"whereby_exporter/collector/statuspage"
)

const (
	// drainTime is how long requests in progress may take to end after SIGTERM. The
	// process promises to be gone within 5 s.
	drainTime = 3 * time.Second
	// arrivalTime is the part of it in which a request may still arrive, over a
	// connection that had been accepted before.
	arrivalTime = 2 * time.Second
	// idleTimeout is how long a connection is kept for the next request: longer than load
	// balancers keep theirs, whose longest default is 600 s. If the exporter closed first, a
	// request might just be sent over that connection, and fail.
	idleTimeout = 620 * time.Second
	// webReadTimeout is how long a request to the web address may take to arrive whole.
	webReadTimeout = 10 * time.Second
	// webMaxHeader has room for the cookies of a browser.
	webMaxHeader = 64 << 10
	// maxWebConnections is what Prometheus allows for by default, too.
	maxWebConnections = 512
)

const (
	roomsPath   = "/api/v1/rooms"
	healthyPath = "/-/healthy"
	// statusPath is where the pages other than the first one are.
	statusPath = statuspage.Prefix
)

// Options are the flags of the web address. They mean the same as in all exporters that use
// the exporter-toolkit.
type Options struct {
	ListenAddress   []string `default:":10036" placeholder:"ADDRESS" help:"Address to serve metrics on (${default}). Repeatable."`
	SystemdSocket   bool     `help:"Use systemd socket activation instead of --web.listen-address."`
	ConfigFile      string   `name:"config.file" placeholder:"FILE" help:"TLS, basic authentication and HTTP headers, in the exporter-toolkit's format."`
	EnableLifecycle bool     `help:"Reload the configuration on POST /-/reload."`
	EnableAdminAPI  bool     `name:"enable-admin-api" help:"Serve a copy of the state on POST /api/v1/admin/backup."`
	TelemetryPath   string   `default:"/metrics" placeholder:"PATH" help:"Path of the metrics (${default})."`
}

// plainPath excludes what the mux would take for a pattern.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// Check checks what can be checked without listening. It is not called Validate because Kong
// would then call it by itself, and put the name of the command in front.
func (o Options) Check() error {
	if !o.SystemdSocket && (len(o.ListenAddress) == 0 || slices.Contains(o.ListenAddress, "")) {
		return errors.New("--web.listen-address: must be an address such as :10036")
	}
	if p := o.TelemetryPath; !plainPath.MatchString(p) || p != path.Clean(p) || p == roomsPath || p == backupPath || strings.HasPrefix(p, "/-/") || strings.HasPrefix(p+"/", statusPath) {
		return fmt.Errorf("--web.telemetry-path=%q: must begin with a slash and be a path of its own, for instance /metrics", p)
	}
	if err := web.Validate(o.ConfigFile); err != nil {
		return fmt.Errorf("--web.config.file=%s: %w", o.ConfigFile, err)
	}
	return nil
}

// Handlers are what is served.
type Handlers struct {
	Metrics, Rooms http.Handler
	// Status serves / and what is below [statuspage.Prefix].
	Status http.Handler
	// Ready reports whether a poll has succeeded since the start.
	Ready func() bool
	// Reload puts the configuration file in force again.
	Reload func() error
	// Backup copies the state.
	Backup func() (*state.Backup, error)
	// Refused, if not nil, is called for each client that is refused or cut off, with the
	// reason, such as [RefusedBusy].
	Refused func(reason string)
}

// Server listens from New on and serves from Run on.
type Server struct {
	flags     web.FlagConfig
	listeners []net.Listener
	// servers has one server for each listener: the exporter-toolkit writes to the server that
	// it is given, so two listeners cannot share one.
	servers []*http.Server
	// connections counts those of all servers that are open.
	connections atomic.Int64
	log         *slog.Logger
}

// New binds the web address, so a port that is taken is reported at once.
func New(o Options, h Handlers, log *slog.Logger) (*Server, error) {
	if !o.EnableLifecycle {
		h.Reload = nil
	}
	if !o.EnableAdminAPI {
		h.Backup = nil
	}
	if h.Refused == nil {
		h.Refused = func(string) {}
	}
	handler := countRequests(withAnswer(stallTimeout, newMux(o.TelemetryPath, h, log)))
	flags := web.FlagConfig{
		WebListenAddresses: &o.ListenAddress,
		WebSystemdSocket:   &o.SystemdSocket,
		WebConfigFile:      &o.ConfigFile,
	}
	s, err := listen(flags, "--web.listen-address", log, func() *http.Server {
		return &http.Server{
			Handler:        handler,
			ReadTimeout:    webReadTimeout,
			WriteTimeout:   stallTimeout,
			IdleTimeout:    idleTimeout,
			MaxHeaderBytes: webMaxHeader,
			HTTP2: &http.HTTP2Config{
				MaxConcurrentStreams:          32,
				MaxReceiveBufferPerConnection: maxWebBody,
				MaxReceiveBufferPerStream:     maxWebBody,
				WriteByteTimeout:              stallTimeout,
			},
		}
	})
	if err != nil {
		return nil, err
	}
	s.limit(maxWebConnections, math.MaxInt, func(bool) { h.Refused(RefusedConnection) })
	return s, nil
}

// countRequests notes on each connection which requests are being answered over it.
func countRequests(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := requestConn(r); c != nil {
			c.begun()
			defer c.handled(false)
		}
		h.ServeHTTP(w, r)
	})
}

// listen binds addresses, each of which gets a server of its own.
func listen(flags web.FlagConfig, flag string, log *slog.Logger, newServer func() *http.Server) (*Server, error) {
	s := &Server{flags: flags, log: log}
	add := func(listener net.Listener) {
		server := newServer()
		reportConns(server)
		server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
		server.ConnState = s.counted(server.ConnState)
		s.listeners = append(s.listeners, listener)
		s.servers = append(s.servers, server)
	}
	if *flags.WebSystemdSocket {
		// The exporter-toolkit would not hand out the listeners.
		listeners, err := activation.Listeners()
		if err != nil {
			return nil, fmt.Errorf("listen on the sockets of systemd: %w", err)
		}
		listeners = slices.DeleteFunc(listeners, func(l net.Listener) bool { return l == nil }) // no stream
		if len(listeners) == 0 {
			return nil, errors.New("--web.systemd-socket: systemd passed no socket; start the exporter from a socket unit, or remove the flag")
		}
		for _, listener := range listeners {
			add(listener)
		}
		return s, nil
	}
	for _, address := range *flags.WebListenAddresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			s.Close()
			return nil, listenError(flag, address, err)
		}
		add(listener)
	}
	return s, nil
}

func listenError(flag, address string, err error) error {
	hint := "choose another with " + flag
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the address is already in use; stop what uses it, or %s", address, hint)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fmt.Errorf("listen on %s: %w; %s", address, err, hint)
}

// limit limits the connections of each address.
func (s *Server) limit(conns, bytes int, evicted func(proven bool)) {
	for i, listener := range s.listeners {
		s.listeners[i] = newLimitListener(listener, conns, bytes, evicted)
	}
}

// Close releases the addresses of a server that has not been run.
func (s *Server) Close() {
	for _, listener := range s.listeners {
		_ = listener.Close()
	}
}

// Addrs returns the addresses that are listened on.
func (s *Server) Addrs() []net.Addr {
	var addrs []net.Addr
	for _, listener := range s.listeners {
		addrs = append(addrs, listener.Addr())
	}
	return addrs
}

// Run serves until the context is done, lets requests in progress end, and returns
// nil then.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.servers {
		group.Go(func() error { return s.run(ctx, i) })
	}
	return group.Wait()
}

// run runs one of the servers.
func (s *Server) run(ctx context.Context, i int) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = s.listeners[i].Close() // ends Serve, and nothing but that: see drain
	})
	err := web.Serve(s.listeners[i], s.servers[i], &s.flags, s.log)
	if stop() {
		return fmt.Errorf("serve: %w", err)
	}
	<-closed
	s.drain(s.servers[i])
	return nil
}

// counted tracks connections as they open and close, and passes each state on to next.
func (s *Server) counted(next func(net.Conn, http.ConnState)) func(net.Conn, http.ConnState) {
	return func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.connections.Add(-1)
		}
		if next != nil {
			next(conn, state)
		}
	}
}

// drain lets open connections get their answers once no more are accepted. Shutdown alone is
// not enough: once it is called, a request that has not been read whole gets no answer. So
// connections first end by themselves: after their next answer, or at once if they are idle.
func (s *Server) drain(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(arrivalTime); s.connections.Load() > 0 && time.Now().Before(until); <-tick.C {
		server.SetKeepAlivesEnabled(false) // also closes those that are idle now
	}
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off at shutdown", "err", err)
		_ = server.Close()
	}
}

// newMux returns the endpoints.
func newMux(telemetryPath string, h Handlers, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	pages := newInFlight(h.Refused)
	mux.Handle("/{$}", pages.limit(h.Status))
	mux.Handle(statusPath, pages.limit(h.Status))
	mux.Handle(telemetryPath, newInFlight(h.Refused).limit(h.Metrics))
	mux.Handle(roomsPath, pages.limit(h.Rooms))
	mux.HandleFunc(healthyPath, healthy)
	mux.HandleFunc("/-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if !h.Ready() {
			http.Error(w, "whereby_exporter is not ready: no poll has succeeded since it started.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "whereby_exporter is ready.")
	})
	mux.Handle(backupPath, backupHandler{take: h.Backup, log: log})
	mux.HandleFunc("/-/reload", func(w http.ResponseWriter, r *http.Request) { reload(w, r, h.Reload) })
	return mux
}

// reload answers like Prometheus: only POST and PUT, and only if it is enabled.
func reload(w http.ResponseWriter, r *http.Request, do func() error) {
	if !postOrPut(w, r) {
		return
	}
	if do == nil {
		http.Error(w, "Reloading over HTTP is off; start the exporter with --web.enable-lifecycle, or send SIGHUP.", http.StatusForbidden)
		return
	}
	if err := do(); err != nil {
		http.Error(w, fmt.Sprintf("The configuration was not reloaded: %v", err), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "The configuration was reloaded.")
}

// postOrPut refuses other methods, as Prometheus does for whatever changes something or is
// costly. It also refuses what a browser sends on behalf of another site's page: the browser
// may be inside a network that strangers cannot reach, and adds the password that it knows.
func postOrPut(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		http.Error(w, "Only POST or PUT requests are allowed.", http.StatusMethodNotAllowed)
		return false
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		http.Error(w, "Requests from pages of other sites are not allowed.", http.StatusForbidden)
		return false
	}
	return true
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "whereby_exporter is healthy.")
}
