package helm

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"

	"whereby_exporter/dashboards"
)

// Directories below the root of the repository.
const (
	chartDir     = "deploy/helm/whereby-exporter"
	rulesDir     = chartDir + "/files/rules"
	boardsDir    = chartDir + "/files/dashboards"
	manifestsDir = "deploy/kubernetes"
)

// Root returns the top of the repository, for tests and commands run in this module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "deploy", "helm")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("the repository is not above the working directory")
		}
	}
}

// Copies returns the files that the chart needs copies of: a chart holds all that it
// renders, and what is packaged follows no links. They are named from the root.
func Copies(root string) (map[string][]byte, error) {
	copies := map[string][]byte{}
	rules, err := filepath.Glob(filepath.Join(root, "alerts", "rules", "*.yml"))
	if err != nil {
		return nil, err
	}
	for _, file := range rules {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		copies[rulesDir+"/"+filepath.Base(file)] = content
	}
	for name, content := range dashboards.Files() {
		copies[boardsDir+"/"+name] = content
	}
	return copies, nil
}

// head is above every plain manifest.
const head = "# Made from deploy/helm by: go -C test/helm run ./cmd/manifests\n"

// Manifests renders the chart with its defaults, one file for each template, without
// the labels by which Helm knows what is its own. They are named from the root.
func Manifests(root string) (map[string][]byte, error) {
	chart, err := loader.LoadDir(filepath.Join(root, chartDir))
	if err != nil {
		return nil, fmt.Errorf("load the chart: %w", err)
	}
	documents, _, err := Render(chart, Release, nil)
	if err != nil {
		return nil, fmt.Errorf("render the chart: %w", err)
	}
	manifests := map[string][]byte{}
	for _, document := range documents {
		name := manifestsDir + "/" + document.Template
		if manifests[name] == nil {
			manifests[name] = []byte(head)
		} else {
			manifests[name] = append(manifests[name], "---\n"...)
		}
		for line := range strings.Lines(document.YAML) {
			label := strings.TrimSpace(line)
			if label == "app.kubernetes.io/managed-by: Helm" || strings.HasPrefix(label, "helm.sh/chart: ") {
				continue
			}
			manifests[name] = append(manifests[name], line...)
		}
	}
	return manifests, nil
}

// Differences compares files with what they should be, and names those that differ,
// are missing, or are in one of the directories and should not be.
func Differences(root string, files map[string][]byte, dirs ...string) ([]string, error) {
	var differ []string
	for name, want := range files {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(content, want) {
			differ = append(differ, name)
		}
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, entry := range entries {
			name := dir + "/" + entry.Name()
			if _, ok := files[name]; !ok && filepath.Ext(name) != ".md" {
				differ = append(differ, name)
			}
		}
	}
	return differ, nil
}

// Update writes the copies, and then the manifests that are made from them.
func Update(root string) error {
	copies, err := Copies(root)
	if err != nil {
		return err
	}
	if err := write(root, copies, rulesDir, boardsDir); err != nil {
		return err
	}
	manifests, err := Manifests(root)
	if err != nil {
		return err
	}
	return write(root, manifests, manifestsDir)
}

// write makes the files what they should be.
func write(root string, files map[string][]byte, dirs ...string) error {
	differ, err := Differences(root, files, dirs...)
	if err != nil {
		return err
	}
	for _, name := range differ {
		file := filepath.Join(root, name)
		content, ok := files[name]
		if !ok {
			if err := os.Remove(file); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), fs.ModePerm); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
