package state

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
)

// seen is what events lead to: their ids.
type seen struct {
	mu  sync.Mutex
	ids []string
}

func (s *seen) Apply(event whereby.Event, _ string, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, event.ID)
}

func (*seen) Segment(whereby.Event) string { return "" }

func (s *seen) AppendBinary(b []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(b, strings.Join(s.ids, " ")...), nil
}

func (s *seen) UnmarshalBinary(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = strings.Fields(string(b))
	return nil
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// opened is a directory with its events.
type opened struct {
	*Directory
	*seen
	receiver *webhook.Receiver
}

func openAll(t *testing.T, path string) opened {
	t.Helper()
	d, err := Open(path, discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	s := &seen{}
	log, err := d.OpenEvents(s)
	if err != nil {
		t.Fatal(err)
	}
	return opened{d, s, webhook.NewReceiver(s, log, time.Now)}
}

func (o opened) accept(t *testing.T, id string) {
	t.Helper()
	if err := o.receiver.Accept(t.Context(), whereby.Event{ID: id, Type: whereby.SessionStarted, CreatedAt: time.Now()}); err != nil {
		t.Error(err)
	}
}

// commit adds a room to the ledger, and a record to call quality.
func (o opened) commit(t *testing.T, n int) {
	t.Helper()
	name := fmt.Sprintf("/acme-%08x-0000-4000-8000-000000000000", n)
	row := ledger.Row{Name: name, ID: uint32(n), Totals: ledger.Totals{ParticipantMinutes: int64(n), Sessions: 1}}
	if err := o.Ledger().Commit(ledger.Change{Rows: []ledger.Row{row}}); err != nil {
		t.Error(err)
	}
	if err := o.Quality().Keep([]quality.Record{{Key: name, Value: []byte("{}")}}, nil); err != nil {
		t.Error(err)
	}
}

// rooms returns the rows of the ledger and the keys of call quality.
func (o opened) rooms(t *testing.T) (minutes map[string]int64, records []string) {
	t.Helper()
	minutes = map[string]int64{}
	for row, err := range o.Ledger().Rows("") {
		if err != nil {
			t.Fatal(err)
		}
		minutes[row.Name] = row.ParticipantMinutes
	}
	for record, err := range o.Quality().Records() {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record.Key)
	}
	return minutes, records
}

// backup writes a backup to a file.
func backup(t *testing.T, d *Directory) string {
	t.Helper()
	b, err := d.Backup()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(b)
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != b.Size {
		t.Errorf("the backup has %d bytes; want %d", len(content), b.Size)
	}
	return write(t, content)
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup.tar")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func TestABackupHasAllThatWasThere(t *testing.T) {
	dir := t.TempDir()
	d := openAll(t, dir)
	for n := range 100 {
		d.commit(t, n)
	}
	d.accept(t, "a")
	d.accept(t, "b") // it is in the journal only
	file := backup(t, d.Directory)
	if got := names(t, dir); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, "backup-") }) {
		t.Errorf("the directory holds %v", got)
	}
	d.commit(t, 100)
	d.accept(t, "c")

	to := filepath.Join(t.TempDir(), "data")
	if err := Restore(file, to, discard()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, to); !slices.Equal(got, []string{"events", "quality.db", "whereby.db"}) {
		t.Errorf("the directory holds %v", got)
	}
	restored := openAll(t, to)
	minutes, records := restored.rooms(t)
	if len(minutes) != 100 || len(records) != 100 {
		t.Errorf("%d rooms and %d records were restored; want 100", len(minutes), len(records))
	}
	if !slices.Equal(restored.ids, []string{"a", "b"}) {
		t.Errorf("the events are %v", restored.ids)
	}
	restored.accept(t, "d")
	again := openAll(t, copied(t, to))
	if !slices.Equal(again.ids, []string{"a", "b", "d"}) {
		t.Errorf("after a kill the events are %v", again.ids)
	}
}

// copied returns a copy of a directory, as it is on disk.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestBackupsWhileEverythingIsWritten takes them while rooms and events come, and opens
// each. What was there when one was asked for is in it.
func TestBackupsWhileEverythingIsWritten(t *testing.T) {
	d := openAll(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		rooms  int
		events = map[string]bool{}
	)
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			d.commit(t, n)
			mu.Lock()
			rooms = n + 1
			mu.Unlock()
		}
	})
	for worker := range 8 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", worker, n)
				d.accept(t, id)
				mu.Lock()
				events[id] = true
				mu.Unlock()
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for range 100 {
		mu.Lock()
		wantRooms, wantEvents := rooms, maps.Clone(events)
		mu.Unlock()
		file := backup(t, d.Directory)
		to := t.TempDir()
		if err := Restore(file, to, discard()); err != nil {
			t.Fatal(err)
		}
		restored := openAll(t, to)
		if minutes, records := restored.rooms(t); len(minutes) < wantRooms || len(records) < wantRooms {
			t.Fatalf("%d rooms and %d records are in a backup; want %d", len(minutes), len(records), wantRooms)
		}
		for _, id := range restored.ids {
			delete(wantEvents, id)
		}
		if len(wantEvents) > 0 {
			t.Fatalf("%d acknowledged events are not in a backup", len(wantEvents))
		}
		if err := restored.Close(); err != nil {
			t.Fatal(err)
		}
		_ = os.RemoveAll(to)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	d := openAll(t, t.TempDir())
	first, err := d.Backup()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Backup(); !errors.Is(err, ErrBackupRunning) {
		t.Errorf("the second got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	backup(t, d.Directory)
}

func TestABackupOfMemoryIsRefused(t *testing.T) {
	if _, err := NewMemory().Backup(); !errors.Is(err, ErrInMemory) {
		t.Errorf("got %v", err)
	}
}

func TestWhatAnEarlierProcessLeftOfABackupIsRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "backup-1234.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openAll(t, dir)
	if got := names(t, dir); slices.Contains(got, "backup-1234.tmp") {
		t.Errorf("the directory holds %v", got)
	}
}

// TestWithoutWebhooksABackupHasTheEventsFromBefore takes one of an exporter whose
// webhooks have been turned off.
func TestWithoutWebhooksABackupHasTheEventsFromBefore(t *testing.T) {
	dir := t.TempDir()
	d := openAll(t, dir)
	d.accept(t, "a")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	quiet, err := Open(dir, discard())
	if err != nil {
		t.Fatal(err)
	}
	file := backup(t, quiet)
	if err := quiet.Close(); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := Restore(file, to, discard()); err != nil {
		t.Fatal(err)
	}
	if restored := openAll(t, to); !slices.Equal(restored.ids, []string{"a"}) {
		t.Errorf("the events are %v", restored.ids)
	}
}

func TestADirectoryWithAStoreIsLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	d := openAll(t, dir)
	d.commit(t, 1)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	var log logtest.Buffer
	// It need not even be there.
	if err := Restore(filepath.Join(dir, "no-backup.tar"), dir, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "backup ignored: the storage directory already holds a store") {
		t.Errorf("the log is %q", log.String())
	}
	if after, err := os.ReadFile(filepath.Join(dir, store.FileName)); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the store has changed, %v", err)
	}
}

// TestWhatIsThereBesidesAStoreIsKept restores where the store alone was moved away, as it
// may have been damaged: the events that are there are newer than those of the backup.
func TestWhatIsThereBesidesAStoreIsKept(t *testing.T) {
	dir := t.TempDir()
	d := openAll(t, dir)
	d.commit(t, 1)
	d.accept(t, "a")
	file := backup(t, d.Directory)
	d.accept(t, "b")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, store.FileName)); err != nil {
		t.Fatal(err)
	}
	if err := Restore(file, dir, discard()); err != nil {
		t.Fatal(err)
	}
	restored := openAll(t, dir)
	if minutes, _ := restored.rooms(t); len(minutes) != 1 || !slices.Equal(restored.ids, []string{"a", "b"}) {
		t.Errorf("there are %d rooms and the events %v", len(minutes), restored.ids)
	}
}

func TestWhatIsNoWholeBackupChangesNothing(t *testing.T) {
	d := openAll(t, t.TempDir())
	for n := range 50 {
		d.commit(t, n)
	}
	d.accept(t, "a")
	whole, err := os.ReadFile(backup(t, d.Directory))
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, content string) []byte {
		var b bytes.Buffer
		archive := tar.NewWriter(&b)
		if err := addBytes(archive, name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	files := map[string][]byte{
		"empty":                 nil,
		"something else":        []byte(strings.Repeat("this is no archive ", 100)),
		"a name from elsewhere": with("../whereby.db", "x"),
		"a file of another":     with("prometheus.yml", "x"),
		"a store of nothing":    with("whereby.db", ""),
		"no store":              with("whereby.db", "no store"),
	}
	for cut := 1; cut < len(whole)-1024; cut += len(whole)/40 + 1 {
		files[fmt.Sprintf("cut at byte %d", cut)] = whole[:cut]
	}
	for at := 600; at < len(whole); at += len(whole)/60 + 1 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		files[fmt.Sprintf("flipped at byte %d", at)] = flipped
	}
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			file, dir := write(t, content), t.TempDir()
			err := Restore(file, dir, discard())
			if err == nil && strings.HasPrefix(name, "flipped") {
				// It may have been a byte that nobody reads: then all is there.
				restored := openAll(t, dir)
				if minutes, records := restored.rooms(t); len(minutes) != 50 || len(records) != 50 || len(restored.ids) != 1 {
					t.Errorf("there are %d rooms, %d records, %d events", len(minutes), len(records), len(restored.ids))
				}
				return
			}
			if err == nil {
				t.Fatal("it was restored")
			}
			if got := names(t, dir); len(got) > 0 {
				t.Errorf("after %v the directory holds %v", err, got)
			}
		})
	}
}

func TestARestoreThatWasKilledIsDoneAgain(t *testing.T) {
	d := openAll(t, t.TempDir())
	d.commit(t, 1)
	d.accept(t, "a")
	file := backup(t, d.Directory)
	for name, left := range map[string]func(dir string) error{
		"while it unpacked": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, restoring, eventsDir), 0o750); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, restoring, store.FileName), []byte("half"), 0o600)
		},
		"after some was put into place": func(dir string) error {
			other := t.TempDir()
			if err := Restore(file, other, discard()); err != nil {
				return err
			}
			return errors.Join(
				os.Rename(filepath.Join(other, eventsDir), filepath.Join(dir, eventsDir)),
				os.Mkdir(filepath.Join(dir, restoring), 0o750),
			)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := left(dir); err != nil {
				t.Fatal(err)
			}
			if err := Restore(file, dir, discard()); err != nil {
				t.Fatal(err)
			}
			restored := openAll(t, dir)
			if minutes, records := restored.rooms(t); len(minutes) != 1 || len(records) != 1 || !slices.Equal(restored.ids, []string{"a"}) {
				t.Errorf("there are %d rooms, %d records, events %v", len(minutes), len(records), restored.ids)
			}
			if got := names(t, dir); slices.Contains(got, restoring) {
				t.Errorf("the directory holds %v", got)
			}
		})
	}
}
