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
	// webhookIdleTimeout is for connections that are kept for the next event.
	webhookIdleTimeout = time.Minute
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
// and the health endpoint.
func NewWebhook(o WebhookOptions, h http.Handler, log *slog.Logger) (*Server, error) {
	if len(o.ListenAddress) == 0 {
		return nil, errors.New("the webhook has no address to listen on")
	}
	mux := http.NewServeMux()
	mux.Handle(o.Path, h)
	mux.HandleFunc(healthyPath, healthy)
	socket := false
	flags := web.FlagConfig{
		WebListenAddresses: &o.ListenAddress,
		WebSystemdSocket:   &socket,
		WebConfigFile:      &o.ConfigFile,
	}
	s, err := listen(flags, "--webhook.listen-address", log, func() *http.Server {
		server := &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: webhookReadTimeout,
			ReadTimeout:       webhookReadTimeout,
			WriteTimeout:      webhookWriteTimeout,
			IdleTimeout:       webhookIdleTimeout,
			MaxHeaderBytes:    webhookMaxHeader,
			Protocols:         new(http.Protocols),
		}
		server.Protocols.SetHTTP1(true)
		reportRequests(server)
		return server
	})
	if err != nil {
		return nil, err
	}
	for i, listener := range s.listeners {
		s.listeners[i] = newLimitListener(listener, maxWebhookConnections, maxWebhookBytes)
	}
	return s, nil
}
