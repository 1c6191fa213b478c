// Package journal stores small records that must not be lost once they are acknowledged.
//
// A journal is a series of files, and only the newest one is written to. Records that
// arrive at the same time are written and synced together, so that they share the cost of a
// sync. To keep the journal short, its owner saves the state that results from the records,
// and then drops the earlier files.
//
// A file is never written to again after a failed write or a restart: the next record goes
// to a new file. A file begins with the number of the previous file and with how much of
// that file is valid. So nothing has to be truncated, and a missing or shortened file is
// detected.
package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"whereby_exporter/collector/durable"
)

const (
	// MaxRecord is the maximum length of a record, in bytes.
	MaxRecord = maxBatch - maxPrefix
	// Suffix is the suffix of the files' names, after their number.
	Suffix = ".journal"
	// SkipSuffix is appended to the name of a file to continue without its records.
	SkipSuffix = ".skip"
	// maxGather is the longest time from the beginning of a batch to that of the next, if
	// records wait.
	maxGather = 2 * time.Millisecond
)

// Repair is an unfinished end of a file, which is not used.
type Repair struct {
	Path string
	// Offset is where the end begins; Bytes is its length.
	Offset, Bytes int64
	// Err is the reason.
	Err error
}

// Options configures a journal.
type Options struct {
	FS  durable.FS
	Dir string // must exist
	// From is the number of the first file to replay: the one that continues from the state
	// that the caller has saved; 0 means all.
	From uint64
	// Replay is called with each record, oldest first. A record is only valid during the
	// call.
	Replay func(record []byte) error
	// OnRepair is called with each repair, also after Open, by one goroutine at a time.
	OnRepair func(Repair)
}

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	options Options

	mu     sync.Mutex // guards what follows
	next   *batch     // records that wait to be written
	active bool       // a goroutine is about to write them
	// written is the number of records in the last batch, and began is when it began.
	written int
	began   time.Time
	// enough is the number of records that the writer waits for. ready tells it that they
	// have arrived.
	enough int
	ready  chan struct{}

	writers sync.WaitGroup

	writing sync.Mutex // guards what follows
	// highest is the highest number of any file that was created or attempted.
	highest uint64
	// last is the end of the newest file with records, except the open one.
	last position
	// again is the last write before the start, until the next file contains it too.
	again []byte
	// rotated is the number that Rotate returned last: the caller's state may name that file.
	rotated uint64
	// file is the open file, at its end; nil until the next record needs one.
	file durable.File
	at   position
}

// position is a place in a file.
type position struct {
	number uint64 // of the file; 0 if there is none
	offset int64
}

// batch is a group of records that are written together.
type batch struct {
	entries []*entry
	bytes   int
	done    chan struct{} // closed once they are on disk, or err is set
	err     error
}

type entry struct {
	record []byte
	then   func()
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

var errBusy = errors.New("too many records wait for the disk")

// Append returns once the record is on disk and then, if not nil, has returned, or once the
// context is done. then is called only for records on disk, one at a time and in their order,
// so it leads to the same state as a replay. If the context is done before the write begins,
// the record is not written. After an error, the record may be on disk or not: it must be sent
// again. The record must not be changed any more.
//
// The waiting records are bounded to one write. Beyond that, Append returns an error at once.
func (j *Journal) Append(ctx context.Context, record []byte, then func()) error {
	switch {
	case len(record) == 0:
		return errors.New("the journal takes no empty record")
	case len(record) > MaxRecord:
		return fmt.Errorf("a record of %d bytes is too long for the journal", len(record))
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the journal: %w", context.Cause(ctx))
	}
	mine := &entry{record, then}
	j.mu.Lock()
	waiting := j.next
	if waiting.bytes+lengthInBatch(record) > maxBatch {
		j.mu.Unlock()
		return errBusy
	}
	waiting.entries = append(waiting.entries, mine)
	waiting.bytes += lengthInBatch(record)
	if len(waiting.entries) == j.enough {
		select {
		case j.ready <- struct{}{}:
		default: // it has been told already
		}
	}
	if !j.active {
		j.active = true
		j.writers.Go(j.writeAll)
	}
	j.mu.Unlock()

	select {
	case <-waiting.done:
		return waiting.err
	case <-ctx.Done():
		j.giveUp(waiting, mine)
		return fmt.Errorf("wait for the journal: %w", context.Cause(ctx))
	}
}

// giveUp removes a record from its batch, if the batch still waits.
func (j *Journal) giveUp(from *batch, e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if from != j.next {
		return
	}
	if i := slices.Index(from.entries, e); i >= 0 {
		from.entries = slices.Delete(from.entries, i, i+1)
		from.bytes -= lengthInBatch(e.record)
	}
}

// writeAll writes batches until none is left. Records that arrive during a write are the next
// batch.
func (j *Journal) writeAll() {
	var spare []byte
	for j.awaitMore() {
		j.mu.Lock()
		mine := j.next
		j.next = newBatch()
		j.written, j.began = len(mine.entries), time.Now()
		j.mu.Unlock()
		if len(mine.entries) == 0 {
			continue // all callers gave up
		}

		spare = appendBatch(slices.Grow(spare[:0], durable.HeadLength+mine.bytes), mine.entries)
		j.writing.Lock()
		mine.err = j.write(spare)
		if mine.err == nil {
			for _, e := range mine.entries {
				if e.then != nil {
					e.then()
				}
			}
		}
		j.writing.Unlock()
		close(mine.done)
	}
}

// awaitMore reports whether records wait to be written. Many records share a sync: it begins
// once about half of the senders wait for it. The senders are those of the last batch and those
// that have arrived since. The other half keeps the processors busy in the meantime. A single
// record does not wait for others.
func (j *Journal) awaitMore() bool {
	j.mu.Lock()
	waiting := len(j.next.entries)
	j.active = waiting > 0
	if !j.active {
		j.mu.Unlock()
		return false
	}
	j.enough = (j.written + waiting + 1) / 2
	gather := waiting < j.enough
	late := maxGather - time.Since(j.began)
	select {
	case <-j.ready: // of an earlier batch
	default:
	}
	j.mu.Unlock()
	if gather && late > 0 {
		select {
		case <-j.ready:
		case <-time.After(late):
		}
	}
	runtime.Gosched() // others may be about to append
	return true
}

func (j *Journal) write(b []byte) error {
	if j.file == nil {
		if err := j.create(); err != nil {
			return err
		}
	}
	_, err := j.file.Write(b)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("write the journal: %w", err)
		j.abandon(int64(len(b)), err)
		return err
	}
	j.at.offset += int64(len(b))
	return nil
}

// abandon continues in a new file after a write of so many bytes failed. It is unknown how much
// of them is on disk: after a failed sync, the next one may succeed and sync nothing.
func (j *Journal) abandon(bytes int64, err error) {
	_ = j.file.Close()
	j.file = nil
	path := j.path(j.at.number)
	if j.at.offset == headLength && j.at.number != j.rotated {
		// It would take the space that the next file needs.
		_ = j.options.FS.Remove(path)
		return
	}
	j.last = j.at
	j.options.OnRepair(Repair{Path: path, Offset: j.at.offset, Bytes: bytes, Err: err})
}

// tail returns the position up to which records are acknowledged.
func (j *Journal) tail() position {
	if j.file != nil && j.at.offset > headLength {
		return j.at
	}
	return j.last
}

// create begins a file, and closes the previous one. It syncs the directory too, or the file
// might be lost if the machine fails. Even after an error, nothing more is written to the
// previous file: the next start may find the new file, which contains how much of the previous
// one is acknowledged.
func (j *Journal) create() error {
	j.last = j.tail()
	if j.file != nil {
		_ = j.file.Close() // all acknowledged records are synced
		j.file = nil
	}
	j.highest++
	number := j.highest
	file, err := j.begin(number)
	if err != nil {
		return fmt.Errorf("start a journal file: %w", err)
	}
	j.file, j.at = file, position{number, headLength + int64(len(j.again))}
	j.again = nil
	return nil
}

func (j *Journal) begin(number uint64) (durable.File, error) {
	fsys, path := j.options.FS, j.path(number)
	file, err := fsys.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(appendHead(nil, j.last, j.again))
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = fsys.SyncDir(j.options.Dir)
	}
	if err != nil {
		_ = file.Close()
		_ = fsys.Remove(path)
		return nil, err
	}
	return file, nil
}

// Rotate begins a new file, unless the newest one is empty, and calls state while nothing is
// written or applied. Once the state that results from the records so far is saved, the files
// before the returned number can be forgotten.
func (j *Journal) Rotate(state func() error) (number uint64, err error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	// The last write before the start goes into a file of its own: if the state is saved, the
	// next start must not find it, and otherwise it must.
	for j.file == nil || j.at.offset > headLength {
		if err := j.create(); err != nil {
			return 0, err
		}
	}
	j.rotated = j.at.number
	return j.rotated, state()
}

// Forget deletes the files numbered below before.
func (j *Journal) Forget(before uint64) error {
	names, err := list(j.options.FS, j.options.Dir)
	if err != nil {
		return err
	}
	for _, number := range names.files {
		if number < before {
			if err := j.options.FS.Remove(j.path(number)); err != nil {
				return fmt.Errorf("delete an old journal file: %w", err)
			}
		}
	}
	return nil
}

// Close writes the waiting records and closes the newest file. No record may be appended
// afterwards.
func (j *Journal) Close() error {
	j.writers.Wait()
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.file == nil {
		return nil
	}
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// Size returns the length of the newest file in bytes, or 0 if there is none to write to.
func (j *Journal) Size() int64 {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.file == nil {
		return 0
	}
	return j.at.offset
}

func (j *Journal) path(number uint64) string {
	return filepath.Join(j.options.Dir, fmt.Sprintf("%020d%s", number, Suffix))
}
