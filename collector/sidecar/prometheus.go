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

// CheckURL tells whether a reload URL is one.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.HasSuffix(u.Path, reloadPath) || u.RawQuery != "" {
		return errors.New("must be the reload address of Prometheus, such as http://localhost:9090/-/reload")
	}
	return nil
}

// prometheus is the one beside.
type prometheus struct {
	reloadURL string
	client    *http.Client
}

// reload asks Prometheus to read its files again.
func (p prometheus) reload(ctx context.Context) error {
	status, body, err := p.do(ctx, http.MethodPost, p.reloadURL)
	switch {
	case err != nil:
		return fmt.Errorf("reload Prometheus: %w", err)
	case status/100 == 2:
		return nil
	case status == http.StatusInternalServerError:
		return &rejectedError{line(body)}
	case status == http.StatusForbidden:
		return errors.New("reload Prometheus: it does not allow it; start it with --web.enable-lifecycle")
	}
	return fmt.Errorf("reload Prometheus: HTTP %d: %s", status, line(body))
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
	address := strings.TrimSuffix(p.reloadURL, reloadPath) + "/api/v1/rules?exclude_alerts=true"
	status, body, err := p.do(ctx, http.MethodGet, address)
	if err != nil {
		return nil, fmt.Errorf("read Prometheus's rules: %w", err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("read Prometheus's rules: HTTP %d: %s", status, line(body))
	}
	var answer struct {
		Data struct {
			Groups []group `json:"groups"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read Prometheus's rules: %w", err)
	}
	return answer.Data.Groups, nil
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
