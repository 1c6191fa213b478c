package sidecar

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"whereby_exporter/collector/durable"
)

// directory is where files are kept. Its own are those with its prefix and their mark; it
// touches no others.
type directory struct {
	path   string
	prefix string
	log    *slog.Logger
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
		if isMarked(entry.Name(), content) {
			files[entry.Name()] = content
		}
	}
	return files, nil
}

// replace makes its files those given, and marks them. It returns what was there before,
// whether or not it succeeds, and whether anything differs. If a file of another's has one of
// the names, it changes nothing.
func (d directory) replace(files map[string][]byte) (before map[string][]byte, changed bool, err error) {
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return nil, false, fmt.Errorf("make the directory: %w", err)
	}
	before, err = d.own()
	if err != nil {
		return nil, false, err
	}
	wanted := make(map[string][]byte, len(files))
	for name, content := range files {
		wanted[name] = marked(name, content)
		if _, ok := before[name]; ok {
			continue
		}
		found, err := d.adopt(name, content)
		if err != nil {
			return before, false, err
		}
		if found {
			before[name] = content
		}
	}
	changed, err = d.put(before, wanted)
	return before, changed, err
}

// adopt reports whether there is a file of that name without a mark, which is an error unless
// its content is what is wanted: a command of the exporter wrote it.
func (d directory) adopt(name string, content []byte) (bool, error) {
	path := filepath.Join(d.path, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what is there: %w", err)
	}
	if info.Mode().IsRegular() {
		there, err := os.ReadFile(path)
		if err != nil {
			return false, fmt.Errorf("read what is there: %w", err)
		}
		if bytes.Equal(there, content) {
			return true, nil
		}
	}
	return false, fmt.Errorf("%s was not written by the exporter, because it does not start with the exporter's mark; move it away, or delete it", path)
}

// restore makes its files what they were before a replacement.
func (d directory) restore(before map[string][]byte) error {
	now, err := d.own()
	if err != nil {
		return err
	}
	_, err = d.put(now, before)
	return err
}

// put writes what differs from what is there, and removes what is not wanted.
func (d directory) put(there, wanted map[string][]byte) (changed bool, err error) {
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if old, ok := there[name]; ok && bytes.Equal(old, wanted[name]) {
			continue
		}
		changed = true
		if err := d.write(name, wanted[name]); err != nil {
			return changed, fmt.Errorf("write: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if _, ok := wanted[name]; ok {
			continue
		}
		changed = true
		path := filepath.Join(d.path, name)
		if err := os.Remove(path); err != nil {
			return changed, fmt.Errorf("remove what is no longer needed: %w", err)
		}
		d.log.Info("file removed: it is no longer needed", "file", path)
	}
	return changed, nil
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
