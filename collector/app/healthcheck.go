package app

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Healthcheck is the command healthcheck.
type Healthcheck struct {
	URL string `name:"url" default:"http://localhost:10036/-/healthy" placeholder:"URL" help:"Address to ask (${default})."`
}

// Run fails unless the exporter answers with success. An exporter behind basic
// authentication answers 401, which shows that it is alive as well.
func (h *Healthcheck) Run(env *Env) error {
	ctx, cancel := context.WithTimeout(env.Context, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return fmt.Errorf("--url=%q: %w", h.URL, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("not healthy: %s answered %s", h.URL, resp.Status)
	}
	return nil
}
