package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/store"
)

func TestCostsAreKept(t *testing.T) {
	dir := t.TempDir()
	costs := store.NewCosts(dir)
	if text, err := costs.Load(); text != nil || err != nil {
		t.Errorf("without a file, %q is loaded (%v)", text, err)
	}
	for _, text := range []string{"{}", `{"charged": 1}`} {
		if err := costs.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := store.NewCosts(dir).Load(); string(got) != text || err != nil {
			t.Errorf("%q is loaded (%v); want %q", got, err, text)
		}
	}
	path := filepath.Join(dir, store.CostsFileName)
	intact, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range intact {
		flipped := bytes.Clone(intact)
		flipped[at] ^= 1
		for _, content := range [][]byte{flipped, intact[:at]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var damaged *durable.DamagedError
			if got, err := costs.Load(); !errors.As(err, &damaged) {
				t.Errorf("damaged at byte %d, %q is loaded (%v)", at, got, err)
			}
		}
	}
}
