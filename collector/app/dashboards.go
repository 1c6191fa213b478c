package app

import (
	"fmt"
	"os"
	"path/filepath"

	"whereby_exporter/dashboards"
)

// dashboardsPrefix begins the names of dashboards that the exporter writes, so that
// they can be told from others in the same directory.
const dashboardsPrefix = "whereby-"

// Dashboards is the command dashboards.
type Dashboards struct {
	OutputDir string `required:"" placeholder:"DIR" help:"Directory to write the dashboards to, for Grafana's provisioning or for import by hand."`
}

// Run writes the dashboards.
func (d *Dashboards) Run(*Env) error {
	if err := os.MkdirAll(d.OutputDir, 0o755); err != nil {
		return fmt.Errorf("--output-dir: %w", err)
	}
	for name, content := range dashboardFiles() {
		if err := os.WriteFile(filepath.Join(d.OutputDir, name), content, 0o644); err != nil {
			return fmt.Errorf("--output-dir: %w", err)
		}
	}
	return nil
}

// dashboardFiles returns the dashboards by the names that they are written under.
func dashboardFiles() map[string][]byte {
	files := map[string][]byte{}
	for name, content := range dashboards.Files() {
		files[dashboardsPrefix+name] = content
	}
	return files
}
