package backfill

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
)

// room is a row of the work file of rooms. Times are in milliseconds since 1970; 0 means
// none.
type room struct {
	name        string
	gone        bool // only the exporter's store knows it
	first, last int64
	read        int64 // when the row was requested
	figures
	// lowered is how much more the exporter holds: Whereby has lowered figures since.
	lowered figures
}

// The kinds of records in the file of rooms.
const (
	recordRoom   = 'r'
	recordPrefix = 'p' // one that the exporter had admitted
	recordEnd    = 'e'
)

func (r room) encode() []byte {
	gone := int64(0)
	if r.gone {
		gone = 1
	}
	b := appendString([]byte{recordRoom}, r.name)
	b = appendInts(b, gone, r.first, r.last, r.read)
	b = appendInts(b, r.figures[:]...)
	return appendInts(b, r.lowered[:]...)
}

func decodeRoom(in *reader) (r room) {
	r.name = in.string()
	r.gone = in.int() == 1
	r.first, r.last, r.read = in.int(), in.int(), in.int()
	for i := range r.figures {
		r.figures[i] = in.int()
	}
	for i := range r.lowered {
		r.lowered[i] = in.int()
	}
	return r
}

// nameSum stands for a name in memory.
type nameSum [16]byte

func sumOf(name string) nameSum {
	h := sha256.Sum256([]byte(name))
	return nameSum(h[:16])
}

// millis returns 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func roomOf(r whereby.Room, read time.Time) room {
	return room{
		name: r.Name, first: millis(r.FirstSessionStartedAt), last: millis(r.LastSessionStartedAt), read: millis(read),
		figures: figuresOf(r.Usage, r.Sessions),
	}
}

func figuresOf(u whereby.Usage, sessions int64) figures {
	return figures{u.ParticipantMinutes, u.RecorderMinutes, u.StreamerMinutes, sessions}
}

// roomListing collects the account's rooms.
type roomListing struct {
	out *frames
	// latest is the number of the record with a room's last reading.
	latest  map[nameSum]uint32
	records uint32
}

func (l *roomListing) add(r room) error {
	if err := l.out.append(r.encode()); err != nil {
		return err
	}
	l.latest[sumOf(r.name)] = l.records
	l.records++
	return nil
}

// listRooms writes the file of rooms, unless it exists. An interrupted listing starts
// over, because its cursors may no longer be valid.
func (r *runner) listRooms(ctx context.Context) error {
	if _, err := os.Stat(r.work.path(roomsFile)); err == nil {
		return nil
	}
	if err := r.checkStore(); err != nil {
		return err
	}
	for {
		out, err := openFrames(r.work.path(listedFile), 0)
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		l := &roomListing{out: out, latest: map[nameSum]uint32{}}
		if err := errors.Join(r.readRooms(ctx, l), out.close()); err != nil {
			if again := r.patience(ctx, err); again != nil {
				return again
			}
			continue
		}
		return r.work.explain(r.keepRooms(l))
	}
}

// readRooms lists the rooms, then the top of the list again: a room used meanwhile has
// moved from the pages yet to come to those already read.
func (r *runner) readRooms(ctx context.Context, l *roomListing) error {
	began := time.Now()
	// Rooms used during the listing move to its top.
	sortBy := whereby.RoomsByLastSession
	r.progress.begin("rooms", 0)
	err := r.readPages(ctx, l, sortBy, nil)
	if l.records == 0 && whereby.SortRefused(err) {
		sortBy = ""
		err = r.readPages(ctx, l, sortBy, nil)
	}
	if err != nil || sortBy == "" {
		return err
	}
	settled := began.Add(-whereby.InsightsDelay).UnixMilli()
	return r.readPages(ctx, l, sortBy, func(page []room, fresh int) bool {
		for _, row := range page {
			if row.last >= settled {
				return false
			}
		}
		return fresh == 0
	})
}

// readPages lists rooms until the last page, or until enough is true for one.
func (r *runner) readPages(ctx context.Context, l *roomListing, sortBy string, enough func(page []room, fresh int) bool) error {
	began := time.Now()
	stale := 0
	for page, err := range r.client.Rooms(ctx, whereby.RoomsQuery{SortBy: sortBy}) {
		if err != nil {
			return err
		}
		r.succeeded()
		for _, odd := range page.Unusable {
			r.Logger.Warn("a room's row could not be read; the room is left out unless the store knows it", "room", odd.RoomName, "err", odd.Err)
		}
		rows := make([]room, len(page.Rows))
		fresh := 0
		for i, row := range page.Rows {
			rows[i] = roomOf(row, began)
			if _, ok := l.latest[sumOf(rows[i].name)]; !ok {
				fresh++
			}
			if err := l.add(rows[i]); err != nil {
				return err
			}
		}
		began = time.Now()
		r.progress.done(int64(fresh))
		if enough != nil && enough(rows, fresh) {
			return nil
		}
		if stale++; fresh > 0 {
			stale = 0
		}
		// Used rooms shift others to later pages, but not a thousand in a row.
		if enough == nil && stale >= 10 && !page.Last {
			return fmt.Errorf("read /insights/rooms: %d pages in a row bring no new room, and a cursor for more", stale)
		}
	}
	return nil
}

// checkStore reports a missing store before any request is made.
func (r *runner) checkStore() error {
	if r.StoragePath == "" {
		return nil
	}
	// Opening a missing store would create it.
	if _, err := os.Stat(filepath.Join(r.StoragePath, store.FileName)); err != nil {
		return fmt.Errorf("--storage.path: %w", err)
	}
	return nil
}

func figuresOfTotals(t ledger.Totals) figures {
	return figures{t.ParticipantMinutes, t.RecorderMinutes, t.StreamerMinutes, t.Sessions}
}

// keepRooms writes each room's last reading to the file of rooms, and adds what only the
// exporter's store knows.
func (r *runner) keepRooms(l *roomListing) (err error) {
	var known ledger.Store = store.NewMemory()
	if r.StoragePath != "" {
		kept, err := store.OpenBolt(r.StoragePath)
		if err != nil {
			return fmt.Errorf("--storage.path: %w", err)
		}
		known = kept
		if err := r.keepTranscriptions(kept); err != nil {
			return errors.Join(err, kept.Close())
		}
	}
	defer func() { err = errors.Join(err, known.Close()) }()
	var failed error
	err = durable.Replace(r.work.path(roomsFile), func(file *os.File) error {
		failed = r.writeRooms(l, known, &frames{file: file})
		return failed
	})
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return fmt.Errorf("--output: %w", err)
	}
	return os.Remove(r.work.path(listedFile))
}

func (r *runner) writeRooms(l *roomListing, known ledger.Store, out *frames) error {
	state, err := known.State()
	if err != nil {
		return fmt.Errorf("--storage.path: %w", err)
	}
	for _, prefix := range state.Prefixes {
		if err := out.append(appendString([]byte{recordPrefix}, prefix)); err != nil {
			return err
		}
	}
	var record uint32
	var kept int64
	keep := func(row room) error {
		kept++
		return out.append(row.encode())
	}
	_, err = scan(r.work.path(listedFile), func(b []byte) error {
		in := &reader{b: b[1:]}
		row := decodeRoom(in)
		record++
		if in.err != nil || l.latest[sumOf(row.name)] != record-1 {
			return in.err
		}
		err := known.Get([]string{row.name}, func(_ int, before ledger.Row) {
			row.lowered = figuresOfTotals(before.Totals).sub(row.figures).floor()
		})
		return errors.Join(err, keep(row))
	})
	if err == nil && record != l.records {
		err = durable.Damaged(r.work.path(listedFile), errors.New("it is shorter than what was written"))
	}
	if err != nil {
		return err
	}
	for row, err := range known.Rows("") {
		if err != nil {
			return fmt.Errorf("--storage.path: %w", err)
		}
		if _, ok := l.latest[sumOf(row.Name)]; ok {
			continue
		}
		gone := room{
			name: row.Name, gone: true, first: row.FirstSession * 1000, last: row.LastSession * 1000,
			figures: figuresOfTotals(row.Totals),
		}
		if err := keep(gone); err != nil {
			return err
		}
	}
	return out.append(appendInts([]byte{recordEnd}, kept))
}

// rooms calls do with every room and its number. It returns the prefixes that were
// admitted before.
func (w *work) rooms(do func(i int, r room) error) (prefixes []string, err error) {
	path := w.path(roomsFile)
	i, ended := 0, false
	_, err = scan(path, func(b []byte) error {
		in := &reader{b: b[1:]}
		switch b[0] {
		case recordPrefix:
			prefixes = append(prefixes, in.string())
		case recordRoom:
			row := decodeRoom(in)
			if in.err != nil {
				return in.err
			}
			i++
			return do(i-1, row)
		case recordEnd:
			ended = in.int() == int64(i)
		default:
			return errShort
		}
		return in.err
	})
	if err == nil && !ended {
		err = durable.Damaged(path, errors.New("it has no end"))
	}
	return prefixes, w.explain(err)
}
