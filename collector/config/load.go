package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxSize is the largest file that is read, in bytes: room for more than 10,000
// customers.
const maxSize = 8 << 20

// Options define what the alerts section of a file may name. The zero Options allow only
// an empty section.
type Options struct {
	// AlertNames are the existing alerts.
	AlertNames []string
	// Thresholds are the existing thresholds, by name.
	Thresholds map[string]Threshold
}

// Threshold is the range of a threshold, bounds included, and its default.
type Threshold struct {
	Default, Min, Max float64
}

// Load reads a file. Relative paths in it are relative to its directory. Every
// error is an *Error; only the configuration is read, not the files it names.
func Load(path string, o Options) (*Config, error) {
	content, err := read(path)
	if err != nil {
		return nil, &Error{Problems: []Problem{{File: path, Message: err.Error()}}}
	}
	return Parse(path, content, o)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plainError(err)
	}
	if !info.Mode().IsRegular() {
		// A pipe could be read only once, and never be reloaded.
		return nil, errors.New("is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, plainError(err)
	}
	defer func() { _ = file.Close() }()
	// One byte more than allowed, so that Parse notices a file that is too large.
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, plainError(err)
	}
	return content, nil
}

// plainError removes the path, which every message begins with.
func plainError(err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("file does not exist")
	case errors.As(err, &pathError):
		return fmt.Errorf("can't be read: %w", pathError.Err)
	}
	return fmt.Errorf("can't be read: %w", err)
}
