package sidecar

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"whereby_exporter/collector/durable"
)

// directory is where files are kept. Those with its prefix are its own; it touches no
// others.
type directory struct {
	path   string
	prefix string
}

// own reads its files.
func (d directory) own() (map[string][]byte, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("list what is there: %w", err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), d.prefix) || !entry.Type().IsRegular() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(d.path, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read what is there: %w", err)
		}
		files[entry.Name()] = content
	}
	return files, nil
}

// replace makes its files those given. It returns what was there before, whether or not
// it succeeds, and whether anything differs.
func (d directory) replace(files map[string][]byte) (before map[string][]byte, changed bool, err error) {
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return nil, false, fmt.Errorf("make the directory: %w", err)
	}
	before, err = d.own()
	if err != nil {
		return nil, false, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if old, ok := before[name]; ok && bytes.Equal(old, files[name]) {
			continue
		}
		changed = true
		if err := d.write(name, files[name]); err != nil {
			return before, changed, fmt.Errorf("write: %w", err)
		}
	}
	for name := range before {
		if _, ok := files[name]; ok {
			continue
		}
		changed = true
		if err := os.Remove(filepath.Join(d.path, name)); err != nil {
			return before, changed, fmt.Errorf("delete old files: %w", err)
		}
	}
	return before, changed, nil
}

// write replaces a file as a whole. Prometheus and Grafana run as other users and have to
// read it. The temporary file has a name that no pattern for rule files or dashboards
// matches. Two exporters of one account may write the same files.
func (d directory) write(name string, content []byte) error {
	return durable.ReplaceShared(filepath.Join(d.path, name), func(file *os.File) error {
		if err := file.Chmod(0o644); err != nil {
			return err
		}
		_, err := file.Write(content)
		return err
	})
}
