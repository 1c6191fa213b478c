package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFileThatCannotBeOpenedIsNotCalledDamaged has a directory in its place, which root
// can't open for writing either.
func TestAFileThatCannotBeOpenedIsNotCalledDamaged(t *testing.T) {
	for name, open := range map[string]func(dir string) error{
		FileName: func(dir string) error {
			_, err := OpenBolt(dir)
			return err
		},
		QualityFileName: func(dir string) error {
			_, err := OpenRecords(dir)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, name, "not-empty"), 0o700); err != nil {
				t.Fatal(err)
			}
			err := open(dir)
			var failed *fs.PathError
			if !errors.As(err, &failed) || failed.Op != "open" || strings.Contains(err.Error(), "damaged") {
				t.Errorf("got %v; want what opening it says", err)
			}
		})
	}
}
