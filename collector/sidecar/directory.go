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

// write replaces a file as a whole. The temporary one has a name that no pattern for
// rule files or dashboards matches.
func (d directory) write(name string, content []byte) (err error) {
	temporary, err := os.CreateTemp(d.path, "."+name+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Sync(), temporary.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), filepath.Join(d.path, name))
}
