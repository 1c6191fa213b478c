package sidecar

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"whereby_exporter/collector/logtest"
)

// TestDashboardsAreKept changes what is in the directory, and looks what becomes of it
// a minute later.
func TestDashboardsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dashboards") // it does not exist yet
	files := map[string][]byte{"whereby-a.json": []byte("{\n  \"uid\": \"a\"\n}\n"), "whereby-b.json": []byte("{\n  \"uid\": \"b\"\n}\n")}
	wanted := markedFiles(files)
	for name, content := range wanted {
		var dashboard struct{ UID string }
		if err := json.Unmarshal(content, &dashboard); err != nil || "whereby-"+dashboard.UID+".json" != name {
			t.Errorf("%s is no dashboard with its mark: %s: %v", name, content, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var log logtest.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- Dashboards{Dir: dir, Prefix: "whereby-", Files: files, Logger: slog.New(slog.NewTextHandler(&log, nil))}.Run(ctx)
		}()
		synctest.Wait()
		expectFiles(t, dir, wanted)

		// Another's file stays, an old one of its own goes, and a changed one is corrected.
		write := func(name, content string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("other.json", "mine")
		write("whereby-mine.json", "{}")
		write("whereby-copy.json", string(wanted["whereby-a.json"]))
		write("whereby-old.json", string(marked("whereby-old.json", files["whereby-a.json"])))
		write("whereby-a.json", string(wanted["whereby-a.json"])+"edited")
		time.Sleep(Interval)
		synctest.Wait()
		all := maps.Clone(wanted)
		all["other.json"], all["whereby-mine.json"], all["whereby-copy.json"] = []byte("mine"), []byte("{}"), wanted["whereby-a.json"]
		expectFiles(t, dir, all)
		if got := log.String(); strings.Count(got, "file removed") != 1 || !strings.Contains(got, filepath.Join(dir, "whereby-old.json")) {
			t.Errorf("the log does not name the one file that was removed:\n%s", got)
		}

		// What can't be done is said once, and done once it can be.
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * Interval)
		synctest.Wait()
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(Interval)
		synctest.Wait()
		expectFiles(t, dir, wanted)

		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "the dashboards are not in place"); n != 1 {
			t.Errorf("said %d times:\n%s", n, &log)
		}
	})
}
