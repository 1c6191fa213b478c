package store

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"whereby_exporter/collector/quality"
)

func openRecords(t *testing.T, dir string) *Records {
	t.Helper()
	r, err := OpenRecords(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func recordsOf(t *testing.T, s quality.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r, err := range s.Records() {
		if err != nil {
			t.Fatal(err)
		}
		all[r.Key] = string(r.Value)
	}
	return all
}

func TestRecordsAreThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	r := openRecords(t, dir)
	for _, step := range []struct {
		put  []quality.Record
		gone []string
	}{
		{put: []quality.Record{{Key: "b", Value: []byte("1")}, {Key: "a", Value: []byte("1")}, {Key: "c", Value: []byte("1")}}},
		{put: []quality.Record{{Key: "a", Value: []byte("2")}}, gone: []string{"b", "never there"}},
		{put: []quality.Record{{Key: "d", Value: []byte("1")}}, gone: []string{"c"}},
	} {
		if err := r.Keep(step.put, step.gone); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"a": "2", "d": "1"}
	if got := recordsOf(t, r); !maps.Equal(got, want) {
		t.Errorf("kept %v; want %v", got, want)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := recordsOf(t, openRecords(t, dir)); !maps.Equal(got, want) {
		t.Errorf("after a restart there is %v; want %v", got, want)
	}
}

func TestDamagedRecordsAreRefusedAndLeftAlone(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"emptied": func([]byte) []byte { return nil },
		"text":    func([]byte) []byte { return []byte("not a database") },
		"a value changed": func(b []byte) []byte {
			i := strings.LastIndex(string(b), "a value to be damaged")
			b[i] ^= 1
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := openRecords(t, dir)
			if err := r.Keep([]quality.Record{{Key: "a", Value: []byte("a value to be damaged")}}, nil); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, QualityFileName)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content = damage(content)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = OpenRecords(dir)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v; want one line with the file and a way out", err)
			}
			after, readErr := os.ReadFile(path)
			if readErr != nil || string(after) != string(content) {
				t.Errorf("the file was changed (%v)", readErr)
			}
		})
	}
}

func TestRecordsAreOfOneProcess(t *testing.T) {
	dir := t.TempDir()
	openRecords(t, dir)
	if _, err := OpenRecords(dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second process gets %v", err)
	}
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	if _, err := OpenRecords(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
