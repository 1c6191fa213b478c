package backfill

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"whereby_exporter/collector/durable"
)

func TestSorterSumsAndSorts(t *testing.T) {
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		dir := t.TempDir()
		s := newSorter(dir, "x")
		s.limit = 2 + random.IntN(100)
		type key struct{ major, minor int64 }
		want := map[key]figures{}
		for range random.IntN(2000) {
			c := change{random.Int64N(30) - 10, random.Int64N(1 + int64(s.limit)), figures{random.Int64N(100) - 50, 1, 2, 3}}
			k := key{c.major, c.minor}
			want[k] = want[k].add(c.figures)
			if err := s.add(c); err != nil {
				t.Fatal(err)
			}
		}
		got := map[key]figures{}
		var last *change
		for c, err := range s.sorted() {
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && last.compare(c) >= 0 {
				t.Fatalf("%v after %v", c, *last)
			}
			last = &c
			got[key{c.major, c.minor}] = c.figures
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%d sums, want %d, or others", len(got), len(want))
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d files are left", len(left))
		}
	}
}

// FuzzScan damages a work file: what is read is what was written, up to an error or to
// a record that is half there.
func FuzzScan(f *testing.F) {
	f.Add([]byte("abc"), uint16(3), byte(1), uint16(1000))
	f.Add([]byte{}, uint16(0), byte(0), uint16(12))
	f.Fuzz(func(t *testing.T, content []byte, at uint16, flip byte, length uint16) {
		path := filepath.Join(t.TempDir(), "frames")
		out, err := openFrames(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		records := [][]byte{append([]byte("r"), content...), {0}, room{name: string(content), first: 5}.encode()}
		for _, record := range records {
			if err := out.append(record); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[int(at)%len(b)] ^= flip
		b = b[:min(len(b), int(length))]
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		whole, err := scan(path, func(record []byte) error {
			if n >= len(records) || !bytes.Equal(record, records[n]) {
				t.Fatalf("record %d is %q", n, record)
			}
			n++
			return nil
		})
		if whole > int64(len(b)) || err == nil && flip == 0 && len(b) >= 2000 && n != len(records) {
			t.Errorf("%d records in %d of %d bytes, %v", n, whole, len(b), err)
		}
	})
}

// TestDamageElsewhereIsNoReasonToStartOver has the exporter's store damaged.
func TestDamageElsewhereIsNoReasonToStartOver(t *testing.T) {
	w := &work{dir: "history.om.partial"}
	for path, want := range map[string]string{
		w.path(roomsFile):   "work file " + w.path(roomsFile) + " is damaged (it has no end); delete history.om.partial to start over",
		"/data/whereby.db":  "/data/whereby.db is damaged (it has no end)",
		"history.om/rooms":  "history.om/rooms is damaged (it has no end)",
		"history.om.part/x": "history.om.part/x is damaged (it has no end)",
	} {
		if got := w.explain(durable.Damaged(path, errors.New("it has no end"))).Error(); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// FuzzRoom takes any bytes for a record.
func FuzzRoom(f *testing.F) {
	f.Add(room{name: "/acme-1", gone: true, first: 1, last: 2, read: 3, figures: figures{1, 2, 3, 4}, lowered: figures{5}}.encode()[1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &reader{b: b}
		r := decodeRoom(in)
		if in.err != nil {
			return
		}
		again := &reader{b: r.encode()[1:]}
		if got := decodeRoom(again); got != r || again.err != nil {
			t.Errorf("%+v became %+v", r, got)
		}
	})
}

// TestSweep has people leave and join at the turn of an hour.
func TestSweep(t *testing.T) {
	moves, peaks := newSorter(t.TempDir(), "moves"), newSorter(t.TempDir(), "peaks")
	for _, s := range []struct {
		prefix, joined, left int64 // minutes
	}{
		{0, 10, 60}, {0, 60, 190}, {0, 100, 110}, {0, 110, 115}, {0, 600, 601}, {1, 0, 120}, {1, 30, 240}, {3, 59, 61},
	} {
		for at, by := range map[int64]int64{s.joined: 1, s.left: -1} {
			if err := moves.add(change{s.prefix, at * 60_000, figures{by}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := sweep(moves, peaks); err != nil {
		t.Fatal(err)
	}
	got := map[[2]int64]int64{}
	for c, err := range peaks.sorted() {
		if err != nil {
			t.Fatal(err)
		}
		got[[2]int64{c.minor, c.major / hour}] = c.figures[0]
	}
	want := map[[2]int64]int64{
		{0, 1}: 1, {0, 2}: 2, {0, 3}: 1, {0, 4}: 1, {0, 11}: 1,
		{1, 1}: 2, {1, 2}: 2, {1, 3}: 1, {1, 4}: 1, {3, 1}: 1, {3, 2}: 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("peaks are %v, want %v", got, want)
	}
}
