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
		if len(spent) != want {
			t.Fatalf("%d points, want %d", len(spent), want)
		}
		for i, at := range spent {
			if !at.Equal(time.UnixMilli(int64(i))) {
				t.Fatalf("point %d is %v", i, at)
			}
		}
		return p
	}
	p := open(0)
	for i := range 3 {
		p.Record(time.UnixMilli(int64(i)))
	}
	p = open(3)
	p.Record(time.UnixMilli(3))
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
		p.Record(time.UnixMilli(int64(i)))
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
	if len(spent) != keptPoints || !spent[len(spent)-1].Equal(time.UnixMilli(n-1)) {
		t.Errorf("%d points, the last of %v", len(spent), spent[len(spent)-1])
	}
}
