package sidecar

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestDashboardsAreKept changes what is in the directory, and looks what becomes of it
// a minute later.
func TestDashboardsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dashboards") // it does not exist yet
	wanted := map[string][]byte{"whereby-a.json": []byte("{}\n"), "whereby-b.json": []byte("[]\n")}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- Dashboards{Dir: dir, Prefix: "whereby-", Files: wanted, Logger: slog.New(slog.NewTextHandler(&log, nil))}.Run(ctx)
		}()
		synctest.Wait()
		expectFiles(t, dir, wanted)

		// Another's file stays, an old one of its own goes, and a changed one is put right.
		write := func(name, content string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("other.json", "mine")
		write("whereby-old.json", "old")
		write("whereby-a.json", "edited")
		time.Sleep(Interval)
		synctest.Wait()
		expectFiles(t, dir, map[string][]byte{"whereby-a.json": wanted["whereby-a.json"], "whereby-b.json": wanted["whereby-b.json"], "other.json": []byte("mine")})

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
