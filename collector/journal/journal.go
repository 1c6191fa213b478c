// Package journal keeps small records that must not be lost once they are
// acknowledged.
//
// A journal is a series of files, of which only the newest is written to. Records
// that arrive together are written and synced together, so that the cost of a sync
// is shared by all who wait for it. To keep a journal short, its owner saves the
// state that the records led to, and then forgets the files before.
package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"whereby_exporter/collector/durable"
)

const (
	// MaxRecord is the longest record, in bytes.
	MaxRecord = durable.MaxPayload
	// Suffix is that of the files' names; before it stands their number.
	Suffix = ".journal"
)

// Journal is safe for concurrent use.
type Journal struct {
	dir string

	mu     sync.Mutex // guards what follows
	next   *batch     // records that wait to be written
	active bool       // somebody is about to write them

	writers sync.WaitGroup

	writing sync.Mutex // guards what follows
	number  uint64     // of the file that is written to
	file    *os.File
	size    int64
	// broken is set once a write failed half-way and could not be undone.
	broken error
}

// batch is a number of records that are written together.
type batch struct {
	bytes []byte
	then  []func()
	done  chan struct{} // closed once they are on disk, or err says why not
	err   error
}

// newBatch returns an empty batch in the memory of an earlier one.
func newBatch(spare []byte) *batch { return &batch{bytes: spare[:0], done: make(chan struct{})} }

// Open opens the journal in a directory that exists, and hands every record of the
// files numbered from and above to replay, oldest first. A record is only valid during
// the call. Records that were being written when the process or the machine died, and
// that nobody was told were kept, are cut off. New records go into a new file.
func Open(dir string, from uint64, replay func(record []byte) error) (*Journal, error) {
	numbers, err := files(dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, next: newBatch(nil), number: from}
	for i, number := range numbers {
		if number < from {
			continue
		}
		if err := j.replay(number, i == len(numbers)-1, replay); err != nil {
			return nil, err
		}
		j.number = number
	}
	if err := j.create(j.number + 1); err != nil {
		return nil, err
	}
	return j, nil
}

// files lists the numbers of the files in a directory.
func files(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list the journal: %w", err)
	}
	var numbers []uint64
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), Suffix); ok {
			if number, err := strconv.ParseUint(name, 10, 64); err == nil {
				numbers = append(numbers, number)
			}
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (j *Journal) path(number uint64) string {
	return filepath.Join(j.dir, fmt.Sprintf("%020d%s", number, Suffix))
}

func (j *Journal) replay(number uint64, newest bool, replay func([]byte) error) error {
	path := j.path(number)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	r := durable.NewReader(path, file)
	for {
		offset := r.Offset()
		record, err := r.Next()
		var damaged *durable.DamagedError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &damaged) && newest:
			// Cut, or it would look like damage once there is a newer file.
			if err := os.Truncate(path, offset); err != nil {
				return fmt.Errorf("cut off what was half-written: %w", err)
			}
			return nil
		case errors.As(err, &damaged):
			return fmt.Errorf("journal %w and was left untouched; restore it from a backup, or move it away to go on without its events", damaged)
		case err != nil:
			return fmt.Errorf("read the journal: %w", err)
		}
		if err := replay(record); err != nil {
			return fmt.Errorf("record at byte %d of %s: %w", offset, path, err)
		}
	}
}

// create begins a file. The directory is synced too, or the file might be gone
// after a failure of the machine.
func (j *Journal) create(number uint64) error {
	file, err := os.OpenFile(j.path(number), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return fmt.Errorf("begin a journal file: %w", err)
	}
	if err := durable.SyncDir(j.dir); err != nil {
		return errors.Join(fmt.Errorf("begin a journal file: %w", err), file.Close())
	}
	if j.file != nil {
		_ = j.file.Close() // all that was acknowledged is synced
	}
	j.file, j.number, j.size, j.broken = file, number, 0, nil
	return nil
}

// Append returns once the record is on disk and then, where not nil, has returned;
// or once the context is done. then is called for records on disk only, one at a
// time and in their order, even where the caller has stopped waiting: the state that
// it leads to is the one that a replay leads to. After an error the record may or may
// not be there; whoever sent it has to send it again.
func (j *Journal) Append(ctx context.Context, record []byte, then func()) error {
	switch {
	case len(record) == 0:
		return errors.New("the journal takes no empty record")
	case len(record) > MaxRecord:
		return fmt.Errorf("a record of %d bytes is too long for the journal", len(record))
	}
	j.mu.Lock()
	mine := j.next
	mine.bytes = durable.AppendFrame(mine.bytes, record)
	if then != nil {
		mine.then = append(mine.then, then)
	}
	if !j.active {
		j.active = true
		j.writers.Go(j.writeAll)
	}
	j.mu.Unlock()

	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the journal: %w", context.Cause(ctx))
	}
}

// writeAll writes batches until none is left. What comes while one is being written
// is the next.
func (j *Journal) writeAll() {
	var spare []byte
	for {
		j.mu.Lock()
		mine := j.next
		if len(mine.bytes) == 0 {
			j.active = false
			j.mu.Unlock()
			return
		}
		j.next = newBatch(spare)
		j.mu.Unlock()

		j.writing.Lock()
		mine.err = j.write(mine.bytes)
		if mine.err == nil {
			for _, then := range mine.then {
				then()
			}
		}
		j.writing.Unlock()
		close(mine.done)
		spare = mine.bytes
	}
}

func (j *Journal) write(b []byte) error {
	if j.broken != nil {
		return j.broken
	}
	_, err := j.file.WriteAt(b, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		j.size += int64(len(b))
		return nil
	}
	err = fmt.Errorf("write the journal: %w", err)
	// What is half-written would hide all that comes after it.
	if undo := j.file.Truncate(j.size); undo != nil {
		j.broken = fmt.Errorf("%w; and it could not be undone: %w", err, undo)
	}
	return err
}

// Rotate begins a new file, and calls state while nothing is written or applied. Once
// the state that the records up to then led to is saved, the files before the one
// whose number is returned can be forgotten.
func (j *Journal) Rotate(state func() error) (number uint64, err error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.create(j.number + 1); err != nil {
		return 0, err
	}
	return j.number, state()
}

// Forget deletes the files numbered below before.
func (j *Journal) Forget(before uint64) error {
	numbers, err := files(j.dir)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if number < before {
			if err := os.Remove(j.path(number)); err != nil {
				return fmt.Errorf("delete an old journal file: %w", err)
			}
		}
	}
	return nil
}

// Close writes what waits and closes the newest file. No record may be appended
// from then on.
func (j *Journal) Close() error {
	j.writers.Wait()
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// Size is the length of the newest file in bytes.
func (j *Journal) Size() int64 {
	j.writing.Lock()
	defer j.writing.Unlock()
	return j.size
}
