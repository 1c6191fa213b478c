package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Healthcheck is the command healthcheck.
type Healthcheck struct {
	URL           string   `name:"url" placeholder:"URL" help:"Address to query. By default, /-/healthy of the exporter on this machine, over TLS if the exporter uses it."`
	Ready         bool     `help:"Query /-/ready instead, which reports whether a poll has succeeded. An exporter that asks for a password counts as ready."`
	ListenAddress []string `name:"web.listen-address" default:":10036" placeholder:"ADDRESS" help:"Address that the exporter serves metrics on (${default})."`
}

const (
	// healthcheckTimeout is below that of the image's HEALTHCHECK.
	healthcheckTimeout = 3 * time.Second
	healthyEndpoint    = "/-/healthy"
	readyEndpoint      = "/-/ready"
)

// Run fails unless the exporter answers with success. One that asks for a password or a
// certificate shows that it is alive as well.
func (h *Healthcheck) Run(env *Env) error {
	addresses, err := h.addresses()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(env.Context, healthcheckTimeout)
	defer cancel()
	var errs []error
	for _, address := range addresses {
		err := ask(ctx, address, h.URL == "")
		if err == nil {
			return nil
		}
		errs = append(errs, err)
		if !failedIn(err, "dial") {
			break // somebody is there
		}
	}
	return fmt.Errorf("not healthy: %w", errors.Join(errs...))
}

// addresses are those at which the exporter may be found, the first that answers counts.
func (h *Healthcheck) addresses() ([]*url.URL, error) {
	if h.URL != "" {
		if h.Ready {
			return nil, errors.New("--url and --ready exclude each other; the address may end in " + readyEndpoint)
		}
		u, err := checkAddress(h.URL, "http://127.0.0.1:10036"+healthyEndpoint, "an exporter that asks for one counts as healthy")
		if err != nil {
			return nil, err
		}
		return []*url.URL{u}, nil
	}
	if len(h.ListenAddress) == 0 {
		return nil, errors.New("--web.listen-address: must be an address such as :10036")
	}
	host, port, err := net.SplitHostPort(h.ListenAddress[0])
	if err != nil || port == "" || port == "0" {
		return nil, fmt.Errorf("--web.listen-address=%s: is not an address that can be queried; set --url", h.ListenAddress[0])
	}
	hosts := []string{host}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		hosts = []string{"127.0.0.1", "::1"} // numbers: a container may have no /etc/hosts
	}
	path := healthyEndpoint
	if h.Ready {
		path = readyEndpoint
	}
	var addresses []*url.URL
	for _, host := range hosts {
		addresses = append(addresses, &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: path})
	}
	return addresses, nil
}

// ask returns nil if an exporter answers. own is an address that this machine's exporter
// listens on: it is asked directly, and again with TLS if it asks for TLS.
func ask(ctx context.Context, address *url.URL, own bool) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	if own {
		transport.Proxy = nil
	}
	if own || isLoopback(address.Hostname()) {
		// Certificates are for the names that others ask for, and nobody else can listen here.
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		if failedIn(err, "remote error") {
			return nil // a server of TLS refuses clients without a certificate: it is alive
		}
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusUnauthorized:
		return nil
	case resp.StatusCode == http.StatusBadRequest && own && address.Scheme == "http":
		// So a server with TLS answers requests without.
		secure := *address
		secure.Scheme = "https"
		return ask(ctx, &secure, own)
	}
	return fmt.Errorf("%s answered %s", address.Redacted(), resp.Status)
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// failedIn reports whether it was this operation of the network that failed.
func failedIn(err error, operation string) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == operation
}
