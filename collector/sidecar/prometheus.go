package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// answerWithin is how long Prometheus may take to reload: with many rule files
	// it takes seconds.
	answerWithin = 30 * time.Second
	// maxAnswer bounds what is read of the rules of all teams.
	maxAnswer = 64 << 20
	// reloadPath is the end of every reload URL.
	reloadPath = "/-/reload"
)

// rejectedError is of a Prometheus that is there and does not take the rules.
type rejectedError struct{ reason string }

func (e *rejectedError) Error() string { return "Prometheus refused the rules: " + e.reason }

// CheckURL returns what is wrong with a reload URL. It may hold no password: flags show in
// process lists.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.HasSuffix(u.Path, reloadPath) || u.RawQuery != "" {
		return errors.New("must be the reload address of Prometheus, such as http://localhost:9090/-/reload")
	}
	if u.User != nil {
		return errors.New("must not contain a password; put it into a file, and set --sidecar.http.config.file")
	}
	return nil
}

// prometheus is the one next to the exporter.
type prometheus struct {
	reloadURL string
	client    *http.Client // follows no redirect
	// second is how long its time of a reload stays the same.
	second time.Duration
}

// reload has Prometheus read its files again, and checks that it did.
func (p prometheus) reload(ctx context.Context) error {
	before, known, err := p.lastReload(ctx)
	if err != nil {
		return err
	}
	for attempt := range 2 {
		if attempt > 0 {
			// The time has whole seconds: the reload before may have been within this one.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(p.second):
			}
		}
		if err := p.post(ctx); err != nil || !known {
			return err
		}
		after, _, err := p.lastReload(ctx)
		if err != nil {
			return err
		}
		if after != before {
			return nil
		}
	}
	return errors.New("reload Prometheus: it answered with success, but did not reload since " + before)
}

func (p prometheus) post(ctx context.Context) error {
	status, body, err := p.do(ctx, http.MethodPost, p.reloadURL)
	switch {
	case err != nil:
		return fmt.Errorf("reload Prometheus: %w", err)
	case status/100 == 2:
		return nil
	case status == http.StatusInternalServerError:
		return &rejectedError{line(body)}
	case status == http.StatusForbidden:
		return errors.New("reload Prometheus: reloading is off there; start Prometheus with --web.enable-lifecycle")
	}
	return fmt.Errorf("reload Prometheus: %w", statusError(status, body))
}

// lastReload is when Prometheus last took its configuration, as it says itself. known is
// false for servers that have a reload and rules, but do not say that.
func (p prometheus) lastReload(ctx context.Context) (at string, known bool, err error) {
	var answer struct {
		LastConfigTime string `json:"lastConfigTime"`
	}
	status, err := p.get(ctx, "/api/v1/status/runtimeinfo", &answer)
	if status == http.StatusNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("ask Prometheus when it last reloaded: %w", err)
	}
	return answer.LastConfigTime, answer.LastConfigTime != "", nil
}

// statusError says what an answer means that is no success.
func statusError(status int, body []byte) error {
	if status/100 == 3 {
		return fmt.Errorf("HTTP %d: redirects are not followed; set --sidecar.reload-url to the final address", status)
	}
	if status == http.StatusUnauthorized {
		return fmt.Errorf("HTTP %d: it requires a password; put it into a file, and set --sidecar.http.config.file", status)
	}
	return fmt.Errorf("HTTP %d: %s", status, line(body))
}

// group is a group of rules as Prometheus has it.
type group struct {
	Name  string `json:"name"`
	File  string `json:"file"`
	Rules []struct {
		Name      string `json:"name"`
		Health    string `json:"health"`
		LastError string `json:"lastError"`
	} `json:"rules"`
}

// groups lists the rules that are loaded.
func (p prometheus) groups(ctx context.Context) ([]group, error) {
	var answer struct {
		Groups []group `json:"groups"`
	}
	if _, err := p.get(ctx, "/api/v1/rules?exclude_alerts=true", &answer); err != nil {
		return nil, fmt.Errorf("read Prometheus's rules: %w", err)
	}
	return answer.Groups, nil
}

// get reads what Prometheus's API answers.
func (p prometheus) get(ctx context.Context, endpoint string, data any) (status int, err error) {
	status, body, err := p.do(ctx, http.MethodGet, strings.TrimSuffix(p.reloadURL, reloadPath)+endpoint)
	if err != nil {
		return 0, err
	}
	if status != http.StatusOK {
		return status, statusError(status, body)
	}
	answer := struct {
		Status string `json:"status"`
		Data   any    `json:"data"`
	}{Data: data}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return status, fmt.Errorf("this is not a response from Prometheus: %s", line(body))
	}
	return status, nil
}

func (p prometheus) do(ctx context.Context, method, address string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, body, err
}

// line cuts an answer to one line.
func line(body []byte) string {
	const longest = 500
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return text
}
