package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"whereby_exporter/alerts"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/sidecar"
)

// rulesPrefix begins the names of rule files that the exporter writes, so that they can
// be told from others in the same directory.
const rulesPrefix = "whereby-"

// Alerts is the command alerts.
type Alerts struct {
	Config    Config `embed:"" prefix:"config." group:"config"`
	OutputDir string `placeholder:"DIR" help:"Directory to write the rules to, one file per concern. Without it, they go to standard output."`
}

// Run writes the rules as the configuration file has them.
func (a *Alerts) Run(env *Env) error {
	file, err := a.Config.load()
	if err != nil {
		return err
	}
	if a.OutputDir == "" {
		return alerts.Write(env.Stdout, alertSettings(file))
	}
	files, err := ruleFiles(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.OutputDir, 0o755); err != nil {
		return fmt.Errorf("--output-dir: %w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(a.OutputDir, name), content, 0o644); err != nil {
			return fmt.Errorf("--output-dir: %w", err)
		}
	}
	return nil
}

// ruleFiles returns the rules as a configuration has them, by file name.
func ruleFiles(file *config.Config) (map[string][]byte, error) {
	rendered, err := alerts.Render(alertSettings(file))
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	files := make(map[string][]byte, len(rendered))
	for name, content := range rendered {
		files[rulesPrefix+name] = content
	}
	return files, nil
}

func alertSettings(file *config.Config) alerts.Settings {
	severities := make(map[string]string, len(file.Alerts.Severities))
	for alert, severity := range file.Alerts.Severities {
		severities[alert] = string(severity)
	}
	return alerts.Settings{
		Thresholds:   file.Alerts.Thresholds,
		Severities:   severities,
		Disabled:     file.Alerts.Disabled,
		RunbookURL:   file.Alerts.RunbookURL,
		DashboardURL: file.Alerts.DashboardURL,
	}
}

// alertOptions returns the alerts and thresholds that a configuration file may name.
func alertOptions() config.Options {
	o := config.Options{AlertNames: alerts.Names(), Thresholds: map[string]config.Threshold{}}
	for _, t := range alerts.Thresholds() {
		o.Thresholds[t.Name] = config.Threshold{Default: t.Default, Min: t.Min, Max: t.Max}
	}
	return o
}

// Sidecar are the flags on a Prometheus that the exporter keeps the rules of, and on a
// Grafana that it keeps the dashboards of.
type Sidecar struct {
	RulesDir       string `placeholder:"DIR" help:"Directory in which to keep the alerting rules up to date with the configuration file. A Prometheus must load its rules from there."`
	ReloadURL      string `placeholder:"URL" help:"Reload address of that Prometheus, such as http://localhost:9090/-/reload. Prometheus needs --web.enable-lifecycle for it."`
	HTTPConfigFile string `name:"http.config.file" placeholder:"FILE" help:"HTTP client configuration for that Prometheus, if it requires TLS or a password: an http_config as in Prometheus, with basic_auth and tls_config."`
	DashboardsDir  string `placeholder:"DIR" help:"Directory in which to keep the dashboards up to date. Grafana's provisioning must read them from there."`
}

func (s Sidecar) validate() error {
	if s.ReloadURL == "" {
		if s.HTTPConfigFile != "" {
			return errors.New("--sidecar.http.config.file needs --sidecar.reload-url: without it, no Prometheus is called")
		}
		return nil
	}
	if s.RulesDir == "" {
		return errors.New("--sidecar.reload-url needs --sidecar.rules-dir: without rules, there is nothing to reload")
	}
	if err := sidecar.CheckURL(s.ReloadURL); err != nil {
		// The value is not repeated: it may hold a password.
		return fmt.Errorf("--sidecar.reload-url: %w", err)
	}
	_, err := s.client()
	return err
}

// client calls that Prometheus.
func (s Sidecar) client() (*http.Client, error) {
	return httpClient("--sidecar.http.config.file", s.HTTPConfigFile)
}
