package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPointsSurviveWithoutAClose(t *testing.T) {
	dir := t.TempDir()
	open := func(want int) *Points {
		t.Helper()
		p, spent, err := OpenPoints(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		if len(spent.Times) != want {
			t.Fatalf("%d points, want %d", len(spent.Times), want)
		}
		if limit := 999 + want; want > 0 && spent.Limit != limit {
			t.Fatalf("the limit is %d, want %d", spent.Limit, limit)
		}
		for i, at := range spent.Times {
			if !at.Equal(time.UnixMilli(int64(i))) {
				t.Fatalf("point %d is %v", i, at)
			}
		}
		return p
	}
	p := open(0)
	for i := range 3 {
		p.Record(time.UnixMilli(int64(i)), 1000+i)
	}
	p = open(3)
	p.Record(time.UnixMilli(3), 1003)
	open(4)

	file := filepath.Join(dir, PointsFileName)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content[:len(content)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	open(3)
}

func TestTheJournalOfPointsStaysSmall(t *testing.T) {
	dir := t.TempDir()
	p, _, err := OpenPoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	const n = 3*maxPoints + 5
	for i := range n {
		p.Record(time.UnixMilli(int64(i)), 1000+i)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, PointsFileName))
	if err != nil || info.Size() > maxPoints*pointLength {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	p, spent, err := OpenPoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if times := spent.Times; len(times) != keptPoints || !times[len(times)-1].Equal(time.UnixMilli(n-1)) {
		t.Errorf("%d points, the last of %v", len(times), times[len(times)-1])
	}
}
