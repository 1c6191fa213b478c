// Package reference generates the manual page, the shell completions and the tables in the
// documents from the command line and the list of metrics. To write the files, run
//
//	go -C test run ./cmd/reference
package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"whereby_exporter/collector/app"
)

// generated is in the head of the files that hold nothing else.
const generated = "Written by go -C test run ./cmd/reference; do not edit."

// Files returns the generated files as they should be, named from the root of the
// repository. Documents are read first, and keep all but their tables.
func Files(root string) (map[string]string, error) {
	model, err := app.CommandLine()
	if err != nil {
		return nil, fmt.Errorf("command line: %w", err)
	}
	files := map[string]string{
		"deploy/man/whereby_exporter.1":           manual(model),
		"deploy/completion/whereby_exporter.bash": bashCompletion(model),
		"deploy/completion/whereby_exporter.zsh":  zshCompletion(model),
		"deploy/completion/whereby_exporter.fish": fishCompletion(model),
	}
	fields, err := configurationRows()
	if err != nil {
		return nil, err
	}
	tables := []table{
		{"docs/metrics.md", "| metric | type | labels | meaning |", metricRows()},
		{"docs/flags.md", "| flag of `run` | default | meaning |", flagRows(model, "run")},
		{"docs/configuration.md", "| field | type | default | range | example | meaning |", fields},
		{"docs/alerts.md", "| threshold | default | range | unit | alerts | meaning |", thresholdRows()},
		{"docs/flags.md", "| command | does |", commandRows(model)},
	}
	for _, command := range model.Children[1:] {
		if rows := ownFlagRows(model, command.Name); len(rows) > 0 {
			tables = append(tables, table{"docs/flags.md", "| flag of `" + command.Name + "` | default | meaning |", rows})
		}
	}
	for _, table := range tables {
		document, ok := files[table.file]
		if !ok {
			content, err := os.ReadFile(filepath.Join(root, table.file))
			if err != nil {
				return nil, err
			}
			document = string(content)
		}
		if files[table.file], err = table.replace(document); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Write writes the generated files below the root of the repository.
func Write(root string) error {
	files, err := Files(root)
	for name, content := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
	}
	return err
}
