package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
)

const (
	// webhookReadTimeout is how long a request may take to arrive whole. Whereby
	// gives up after 5 s by itself.
	webhookReadTimeout = 5 * time.Second
	// webhookWriteTimeout leaves room for the 4 s in which an event becomes durable.
	webhookWriteTimeout = 10 * time.Second
	// webhookMaxHeader is far above the few headers of a webhook request.
	webhookMaxHeader = 16 << 10
	// maxWebhookConnections bounds what the internet can open: a connection costs
	// some 20 KiB.
	maxWebhookConnections = 512
	// maxWebhookBytes bounds the bodies that are in memory at once: thousands of events,
	// or 64 of the largest.
	maxWebhookBytes = 16 << 20
)

// WebhookOptions are the flags of the webhook's address. It is one of its own, so
// that it alone faces the internet.
type WebhookOptions struct {
	ListenAddress []string
	Path          string
	ConfigFile    string
	// Evicted is told of each connection that was closed so that others have a place, and
	// whether it had brought an event before. nil is nobody.
	Evicted func(proven bool)
	// Elsewhere answers requests for other paths; nil answers 404.
	Elsewhere http.Handler
}

// Check checks what can be checked without listening.
func (o WebhookOptions) Check() error {
	if !plainPath.MatchString(o.Path) || o.Path != path.Clean(o.Path) || strings.HasPrefix(o.Path, "/-/") {
		return fmt.Errorf("--webhook.path=%q: must begin with a slash, for instance /webhook", o.Path)
	}
	if err := web.Validate(o.ConfigFile); err != nil {
		return fmt.Errorf("--webhook.config.file=%s: %w", o.ConfigFile, err)
	}
	return nil
}

// NewWebhook binds the webhook's address. Nothing is served there but the handler
// and the health endpoint. Only a connection over which the handler has acknowledged an
// event, with a 2xx, is kept for the next request: every other one is closed with its
// answer, so a stranger can neither hold it nor send request after request over it.
func NewWebhook(o WebhookOptions, h http.Handler, log *slog.Logger) (*Server, error) {
	if len(o.ListenAddress) == 0 {
		return nil, errors.New("the webhook has no address to listen on")
	}
	h = proving(h)
	mux := routeWebhook(o.Path, h, o.Elsewhere)
	socket := false
	flags := web.FlagConfig{
		WebListenAddresses: &o.ListenAddress,
		WebSystemdSocket:   &socket,
		WebConfigFile:      &o.ConfigFile,
	}
	s, err := listen(flags, "--webhook.listen-address", log, func() *http.Server {
		server := &http.Server{
			Handler:           oneRequest(mux),
			ReadHeaderTimeout: webhookReadTimeout,
			ReadTimeout:       webhookReadTimeout,
			WriteTimeout:      webhookWriteTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    webhookMaxHeader,
			Protocols:         new(http.Protocols),
		}
		server.Protocols.SetHTTP1(true)
		return server
	})
	if err != nil {
		return nil, err
	}
	s.limit(maxWebhookConnections, maxWebhookBytes, o.Evicted)
	return s, nil
}

// oneRequest serves requests over HTTP/1, in which a connection has one at a time. It
// closes connections that are not proven, and limits what bodies take.
func oneRequest(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		if c := requestConn(r); c != nil {
			defer func() { c.handled(w.Header().Get("Connection") == "") }()
			r.Body = limitedBody{r.Body, c}
		}
		h.ServeHTTP(w, r)
	})
}

// proving keeps connections whose requests are acknowledged.
func proving(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&provingWriter{ResponseWriter: w, conn: requestConn(r)}, r)
	})
}

// provingWriter keeps the connection of a request that is acknowledged.
type provingWriter struct {
	http.ResponseWriter
	conn *limitedConn
}

// Unwrap serves [http.ResponseController].
func (w *provingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *provingWriter) WriteHeader(status int) {
	if status >= 200 && status < 300 {
		w.Header().Del("Connection")
		if w.conn != nil {
			w.conn.prove()
		}
	}
	w.ResponseWriter.WriteHeader(status)
}
