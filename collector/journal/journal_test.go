package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"whereby_exporter/collector/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a journal and returns the records that it replayed.
func open(t testing.TB, dir string, from uint64) (*Journal, []string) {
	t.Helper()
	var records []string
	j, err := Open(dir, from, func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j, records
}

// noState is saved.
func noState() error { return nil }

func add(t testing.TB, j *Journal, records ...string) {
	t.Helper()
	for _, record := range records {
		if err := j.Append(t.Context(), []byte(record), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func expect(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("replayed %q, want %q", got, want)
	}
}

func TestAcknowledgedRecordsAreThereWithoutAClose(t *testing.T) {
	dir := t.TempDir()
	j, got := open(t, dir, 0)
	expect(t, got)
	add(t, j, "a", "b", "c")
	j, got = open(t, dir, 0)
	expect(t, got, "a", "b", "c")
	add(t, j, "d")
	_, got = open(t, dir, 0)
	expect(t, got, "a", "b", "c", "d")
}

func TestManyAtOnceAreAllThereOnce(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	var wg sync.WaitGroup
	var want []string
	for i := range 2000 {
		record := fmt.Sprint("record ", i)
		want = append(want, record)
		wg.Go(func() {
			if err := j.Append(t.Context(), []byte(record), nil); err != nil {
				t.Error(err)
			}
			if i%500 == 0 {
				if _, err := j.Rotate(noState); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	_, got := open(t, dir, 0)
	slices.Sort(got)
	slices.Sort(want)
	expect(t, got, want...)
}

// TestWhatIsAppliedIsWhatAReplayApplies lets many append and rotate, and compares the
// order in which records were applied, also those of callers who gave up, with that
// of a replay; and what had been applied at each rotation with what the files
// before it hold.
func TestWhatIsAppliedIsWhatAReplayApplies(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	var (
		wg      sync.WaitGroup
		applied []string // guarded by the journal
		mu      sync.Mutex
		at      = map[uint64]int{}
	)
	for i := range 2000 {
		record := fmt.Sprint("record ", i)
		wg.Go(func() {
			ctx := t.Context()
			if i%7 == 0 {
				ctx = impatient
			}
			done := false
			err := j.Append(ctx, []byte(record), func() {
				applied = append(applied, record)
				done = true
			})
			if err == nil && !done {
				t.Error("acknowledged before it was applied")
			}
			if i%300 == 0 {
				n := 0
				number, err := j.Rotate(func() error { n = len(applied); return nil })
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				at[number] = n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(applied) != 2000 {
		t.Errorf("%d of 2000 records were applied", len(applied))
	}
	_, got := open(t, dir, 0)
	expect(t, got, applied...)
	for number, n := range at {
		_, got := open(t, dir, number)
		expect(t, got, applied[n:]...)
	}
}

func TestForgottenFilesAreGone(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	add(t, j, "a")
	number, err := j.Rotate(noState)
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, "b")
	_, got := open(t, dir, number) // the state is saved, and the process killed here
	expect(t, got, "b")
	if err := j.Forget(number); err != nil {
		t.Fatal(err)
	}
	_, got = open(t, dir, 0)
	expect(t, got, "b")
}

// TestAFileCutAnywhereKeepsWhatIsWhole cuts the newest file at every byte, as a kill
// in the middle of a write does.
func TestAFileCutAnywhereKeepsWhatIsWhole(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	add(t, j, "first", "second", "third")
	file := j.path(1)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const head = durable.HeadLength
	ends := []int{0, head + 5, 2*head + 11, len(content)}
	for cut := range len(content) + 1 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for _, end := range ends[1:] {
			if end <= cut {
				whole++
			}
		}
		j, got := open(t, dir, 0)
		expect(t, got, []string{"first", "second", "third"}[:whole]...)
		add(t, j, "later")
		_, got = open(t, dir, 0)
		expect(t, got, append([]string{"first", "second", "third"}[:whole:whole], "later")...)
	}
}

// TestZerosAtTheEndAreCutOff has what a file system may make of a file that was being
// written when the power failed.
func TestZerosAtTheEndAreCutOff(t *testing.T) {
	for _, zeros := range []int{1, durable.HeadLength, 4096} {
		dir := t.TempDir()
		j, _ := open(t, dir, 0)
		add(t, j, "first", "second")
		content, err := os.ReadFile(j.path(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(j.path(1), append(content, make([]byte, zeros)...), 0o600); err != nil {
			t.Fatal(err)
		}
		j, got := open(t, dir, 0)
		expect(t, got, "first", "second")
		add(t, j, "later")
		_, got = open(t, dir, 0)
		expect(t, got, "first", "second", "later")
	}
}

func TestADamagedOlderFileIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	add(t, j, "first", "second")
	file := j.path(1)
	if _, err := j.Rotate(noState); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for at := range content {
		damaged := bytes.Clone(content)
		damaged[at] ^= 0x10
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, 0, func([]byte) error { return nil })
		var damage *durable.DamagedError
		if !errors.As(err, &damage) || damage.Path != file || damage.Offset < 0 {
			t.Fatalf("damage at byte %d gave %v", at, err)
		}
		if want := " and was left untouched; restore it from a backup, or move it away to go on without its events"; !strings.HasSuffix(err.Error(), want) {
			t.Fatalf("it says %q, which does not end with %q", err, want)
		}
		if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, damaged) {
			t.Fatalf("the file was changed, %v", err)
		}
	}
}

func TestAFailedWriteIsToldAndUndone(t *testing.T) {
	dir := t.TempDir()
	j, _ := open(t, dir, 0)
	add(t, j, "a")
	writable := j.file
	readOnly, err := os.Open(j.path(1))
	if err != nil {
		t.Fatal(err)
	}
	j.file = readOnly // every write fails, as does every repair
	if err := j.Append(t.Context(), []byte("b"), nil); err == nil {
		t.Error("a record that can't be written is acknowledged")
	}
	if err := j.Append(t.Context(), make([]byte, MaxRecord+1), nil); err == nil {
		t.Error("a record that is too long is acknowledged")
	}
	if err := j.Append(t.Context(), nil, nil); err == nil {
		t.Error("an empty record is acknowledged, and would be cut off at the next start")
	}
	_ = readOnly.Close()
	j.file = writable
	if _, err := j.Rotate(noState); err != nil { // a new file mends it
		t.Fatal(err)
	}
	add(t, j, "c")
	_, got := open(t, dir, 0)
	expect(t, got, "a", "c")
}

// BenchmarkAppend shows what sharing a sync is worth: records a second alone and
// with 64 at once.
func BenchmarkAppend(b *testing.B) {
	record := bytes.Repeat([]byte("x"), 200)
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d at once", writers), func(b *testing.B) {
			j, _ := open(b, b.TempDir(), 0)
			b.SetParallelism(max(1, writers/2))
			if writers == 1 {
				for b.Loop() {
					add(b, j, string(record))
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(b.Context(), record, nil); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
