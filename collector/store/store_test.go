package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are all implementations. reopen gives the store again after a close; nil
// if there is nothing to reopen.
var kinds = map[string]func(t *testing.T) (s ledger.Store, reopen func() ledger.Store){
	"memory": func(*testing.T) (ledger.Store, func() ledger.Store) { return NewMemory(), nil },
	"bolt": func(t *testing.T) (ledger.Store, func() ledger.Store) {
		dir := t.TempDir()
		open := func() ledger.Store {
			s, err := OpenBolt(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		return open(), open
	},
}

func row(name string, id uint32, minutes int64) ledger.Row {
	return ledger.Row{
		Name: name, ID: id,
		Totals:       ledger.Totals{ParticipantMinutes: minutes, RecorderMinutes: 2, StreamerMinutes: 3, Sessions: 4},
		FirstSession: 1_700_000_000, LastSession: 1_700_000_001,
	}
}

func rowsFrom(t *testing.T, s ledger.Store, from string) []ledger.Row {
	t.Helper()
	var rows []ledger.Row
	for row, err := range s.Rows(from) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestEveryStore(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s, reopen := kind(t)
			check := func(what string, got, want any) {
				t.Helper()
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s is %+v, want %+v", what, got, want)
				}
			}

			state, err := s.State()
			check("the error of a new store's state", err, nil)
			check("a new store's state", state, ledger.State{})
			check("a new store's rows", len(rowsFrom(t, s, "")), 0)

			var present ledger.IDSet
			present.Add(1)
			present.Add(70)
			var unlisted ledger.IDSet
			unlisted.Add(0)
			want := ledger.State{
				Complete: true, Sorted: true,
				PollStarted: time.Unix(1, 5).UTC(), FullPoll: time.Unix(2, 0).UTC(),
				Drift: ledger.Totals{Sessions: 9},
			}
			a, b, c := row("/acme-a", 0, 10), row("/acme-b", 1, 20), row("/globex", 70, -1)
			for _, change := range []ledger.Change{
				{Rows: []ledger.Row{c, a}, Prefixes: []string{"globex", "acme-"}},
				{Rows: []ledger.Row{b}, State: &want, Present: &present, Unlisted: &unlisted, Prefixes: []string{"b"}},
				{},
			} {
				if err := s.Commit(change); err != nil {
					t.Fatal(err)
				}
			}
			want.Prefixes = []string{"globex", "acme-", "b"}

			verify := func() {
				t.Helper()
				state, err := s.State()
				check("the state's error", err, nil)
				check("the state", state, want)
				set, err := s.Present()
				check("the set's error", err, nil)
				check("the set's size", set.Len(), 2)
				check("membership", []bool{set.Has(0), set.Has(1), set.Has(70)}, []bool{false, true, true})
				set, err = s.Unlisted()
				check("the other set's error", err, nil)
				check("membership of the other", []bool{set.Has(0), set.Has(1), set.Has(70)}, []bool{true, false, false})
				check("all rows", rowsFrom(t, s, ""), []ledger.Row{a, b, c})
				check("rows from a name", rowsFrom(t, s, "/acme-b"), []ledger.Row{b, c})
				check("rows from between two names", rowsFrom(t, s, "/acme-c"), []ledger.Row{c})
				check("rows after the last", len(rowsFrom(t, s, "/z")), 0)
				got := map[int]ledger.Row{}
				err = s.Get([]string{"/globex", "/none", "/acme-a", "/globex"}, func(i int, r ledger.Row) { got[i] = r })
				check("Get's error", err, nil)
				check("the rows looked up", got, map[int]ledger.Row{0: c, 2: a, 3: c})
			}
			verify()

			a = row("/acme-a", 0, 11)
			if err := s.Commit(ledger.Change{Rows: []ledger.Row{a}}); err != nil {
				t.Fatal(err)
			}
			verify()
			for range s.Rows("") { // leaving early must leave nothing open
				break
			}
			if reopen != nil {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = reopen()
				verify()
			}
		})
	}
}

func TestRowsAreReadWhileOthersAreWritten(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s, _ := kind(t)
			var rows []ledger.Row
			for i := range 3 * rowsPerView / 2 { // more than one read transaction
				rows = append(rows, row(fmt.Sprintf("/acme-%06d", i), uint32(i), 1))
			}
			if err := s.Commit(ledger.Change{Rows: rows}); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, err := range s.Rows("") {
				if err != nil {
					t.Fatal(err)
				}
				if n%1000 == 0 {
					if err := s.Commit(ledger.Change{Rows: []ledger.Row{row("/acme-000000", 0, int64(n))}}); err != nil {
						t.Fatal(err)
					}
				}
				n++
			}
			if n != len(rows) {
				t.Errorf("%d rows read, want %d", n, len(rows))
			}
		})
	}
}

// fullRow has every figure that a row may have.
func fullRow() ledger.Row {
	full := row("/acme-1", 7, 9)
	full.Created, full.Raised, full.Uncounted = 1_600_000_000, 1_700_000_500, 1
	full.Former = ledger.Totals{ParticipantMinutes: 5, RecorderMinutes: 1, StreamerMinutes: 2, Sessions: 1}
	full.Openings = []ledger.Opening{
		{Start: 1_700_000_000, Totals: ledger.Totals{ParticipantMinutes: 12, Sessions: 3}, Certainty: ledger.Settled},
		{Start: 1_702_000_000, Totals: ledger.Totals{StreamerMinutes: 3}, Certainty: ledger.AtLeast},
	}
	return full
}

func TestARowDecodesToWhatWasEncoded(t *testing.T) {
	large := row("/acme-1", 1<<32-1, 1<<53)
	for _, want := range []ledger.Row{large, fullRow()} {
		got, err := decodeRow([]byte(want.Name), encodeRow(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("decoded %+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := decodeRow([]byte("/acme-2"), encodeRow(large)); !errors.Is(err, errChecksum) {
		t.Errorf("a row under another name gave %v", err)
	}
}

// TestARowOfFormat1IsRead has one with opening balances and one without.
func TestARowOfFormat1IsRead(t *testing.T) {
	name := []byte("/acme-1")
	figures := func(figures ...int64) []byte {
		value := binary.AppendUvarint(nil, 7)
		for _, figure := range figures {
			value = binary.AppendVarint(value, figure)
		}
		return seal(name, value)
	}
	want := ledger.Row{
		Name: "/acme-1", ID: 7, Totals: ledger.Totals{ParticipantMinutes: 40, RecorderMinutes: 3, StreamerMinutes: 2, Sessions: 5},
		FirstSession: 1_600_000_000, LastSession: 1_700_000_100,
	}
	if got, err := decodeRow(name, figures(40, 3, 2, 5, 1_600_000_000, 1_700_000_100)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("decoded %+v, %v; want %+v", got, err, want)
	}
	want.Openings = []ledger.Opening{{Start: 1_700_000_000, Totals: ledger.Totals{ParticipantMinutes: 30, Sessions: 4}, Certainty: ledger.Provisional}}
	for _, other := range [][]int64{{0, 0, 0, 0, 0}, {1_700_000_000, 30, 0, 0, 4}} {
		openings := append(append([]int64{40, 3, 2, 5, 1_600_000_000, 1_700_000_100}, other...), 1_700_000_000, 30, 0, 0, 4)
		if got, err := decodeRow(name, figures(openings...)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("decoded %+v, %v; want %+v", got, err, want)
		}
	}
	if _, err := decodeRow(name, figures(40, 3, 2, 5, 1_600_000_000, 1_700_000_100, 1_700_000_000)); err == nil {
		t.Error("a row that is cut off was read")
	}
}

func FuzzDecodeRow(f *testing.F) {
	f.Add([]byte("/acme-1"), encodeRow(row("/acme-1", 7, 9))[checksumLength:])
	f.Add([]byte("/acme-1"), encodeRow(fullRow())[checksumLength:])
	f.Add([]byte(""), []byte{})
	f.Add([]byte("x"), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, name, value []byte) {
		if _, err := decodeRow(name, value); err == nil && len(value) < checksumLength {
			t.Error("a value without a checksum was accepted")
		}
		decoded, err := decodeRow(name, seal(name, value))
		if err != nil {
			return
		}
		again, err := decodeRow(name, encodeRow(decoded))
		if err != nil || !reflect.DeepEqual(again, decoded) {
			t.Errorf("%+v became %+v, %v", decoded, again, err)
		}
	})
}
