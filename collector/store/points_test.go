package store

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// openPoints opens the journal, and leaves it open as a killed process does.
func openPoints(t *testing.T, dir string) (*Points, whereby.BudgetState) {
	t.Helper()
	p, state, err := OpenPoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p, state
}

func expense(n, points int) whereby.Expense {
	endpoints := endpoints()
	return whereby.Expense{At: time.UnixMilli(int64(n)), Endpoint: endpoints[n%len(endpoints)], Points: points, Limit: 1000 + n}
}

func TestPointsSurviveWithoutAClose(t *testing.T) {
	dir := t.TempDir()
	p, _ := openPoints(t, dir)
	want := []whereby.Expense{expense(0, 10), expense(1, 3), expense(2, 10), expense(3, 0)}
	p.Spend(want[0]) // killed before it was answered
	p.Spend(expense(1, 10))(3)
	settle := p.Spend(want[2])
	p.Spend(expense(3, 10))(0) // not sent
	p, state := openPoints(t, dir)
	if !slices.Equal(state.Expenses, want) {
		t.Fatalf("left are %+v; want %+v", state.Expenses, want)
	}
	settle(5) // of another process
	p.Spend(expense(4, 1))

	until := time.UnixMilli(123_456)
	p.Block(until)
	_, state = openPoints(t, dir)
	if !state.BlockedUntil.Equal(until) || !state.BlockedSince.Equal(time.UnixMilli(4)) || len(state.Expenses) != 5 || state.Expenses[2].Points != 5 {
		t.Errorf("left is %+v", state)
	}

	file := filepath.Join(dir, PointsFileName)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content[:len(content)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, state := openPoints(t, dir); len(state.Expenses) != 5 || !state.BlockedUntil.IsZero() {
		t.Errorf("of a half-written wait %+v is left", state)
	}
}

// TestPointsOfEarlierVersionsAreRead has a file that knows a time and the limit alone.
func TestPointsOfEarlierVersionsAreRead(t *testing.T) {
	dir := t.TempDir()
	record := binary.BigEndian.AppendUint64(nil, 1_790_000_000_000)
	record = binary.BigEndian.AppendUint32(record, 1000)
	if err := os.WriteFile(filepath.Join(dir, PointsFileName), record, 0o600); err != nil {
		t.Fatal(err)
	}
	_, state := openPoints(t, dir)
	want := []whereby.Expense{{At: time.UnixMilli(1_790_000_000_000), Points: 1, Limit: 1000}}
	if !slices.Equal(state.Expenses, want) {
		t.Errorf("left are %+v; want %+v", state.Expenses, want)
	}
}

func TestTheJournalOfPointsStaysSmall(t *testing.T) {
	dir := t.TempDir()
	p, _ := openPoints(t, dir)
	const n = 3*maxRecords + 5
	var settle func(int)
	for i := range n {
		// Each is settled after the next one was sent, so that some are cut off meanwhile.
		next := p.Spend(expense(i, 10))
		if settle != nil {
			settle(1)
		}
		settle = next
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, PointsFileName))
	if err != nil || info.Size() > maxRecords*recordLength {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	_, state := openPoints(t, dir)
	if len(state.Expenses) != keptRecords {
		t.Fatalf("%d are left", len(state.Expenses))
	}
	for i, e := range state.Expenses {
		want := expense(n-keptRecords+i, 1)
		if i == keptRecords-1 {
			want.Points = 10
		}
		if e != want {
			t.Fatalf("number %d is %+v; want %+v", i, e, want)
		}
	}
}
