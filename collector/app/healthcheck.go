package app

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Healthcheck is the command healthcheck.
type Healthcheck struct {
	URL string `name:"url" default:"http://127.0.0.1:10036/-/healthy" placeholder:"URL" help:"Address to ask (${default})."`
}

// Run fails unless the exporter answers with success. An exporter behind basic
// authentication answers 401, which shows that it is alive as well.
func (h *Healthcheck) Run(env *Env) error {
	u, err := checkAddress(h.URL, "http://127.0.0.1:10036/-/healthy", "an exporter that asks for one counts as healthy")
	if err != nil {
		return err
	}
	client, err := httpClient("", "")
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(env.Context, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("not healthy: %s answered %s", u.Redacted(), resp.Status)
	}
	return nil
}
