package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"whereby_exporter/collector/durable"
)

// anyLength means that it is unknown how much of a file was acknowledged.
const anyLength = -1

var errMissing = errors.New("it is missing")

// Open opens a journal and replays it. It skips a write that was unfinished when the process or
// the machine died, and calls [Options.OnRepair]. If acknowledged records are damaged or
// missing, the error is a [*durable.DamagedError], and no file was changed. New records go into
// a new file.
func Open(o Options) (*Journal, error) {
	j := &Journal{options: o, next: newBatch(), ready: make(chan struct{}, 1), last: position{number: o.From}, rotated: o.From}
	names, err := list(o.FS, o.Dir)
	if err != nil {
		return nil, err
	}
	j.highest = max(o.From, names.highest())
	parts, err := j.parts(names)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		newest := i == len(parts)-1
		end, err := j.replay(p, newest)
		if err != nil {
			return nil, err
		}
		// A newest file with only a head is skipped: it may not be on disk.
		if !newest || end > 0 {
			j.last = position{p.number, end}
		}
	}
	return j, nil
}

// listing holds the numbers of the files in a directory, sorted, and of those to be skipped.
type listing struct{ files, skipped []uint64 }

func list(fsys durable.FS, dir string) (listing, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return listing{}, fmt.Errorf("list the journal: %w", err)
	}
	var l listing
	for _, name := range names {
		to := &l.files
		if base, ok := strings.CutSuffix(name, SkipSuffix); ok {
			name, to = base, &l.skipped
		}
		if name, ok := strings.CutSuffix(name, Suffix); ok {
			if number, err := strconv.ParseUint(name, 10, 64); err == nil {
				*to = append(*to, number)
			}
		}
	}
	slices.Sort(l.files)
	slices.Sort(l.skipped)
	return l, nil
}

func (l listing) highest() (highest uint64) {
	for _, numbers := range [][]uint64{l.files, l.skipped} {
		if n := len(numbers); n > 0 {
			highest = max(highest, numbers[n-1])
		}
	}
	return highest
}

// before returns the highest number of a file below another, or 0.
func (l listing) before(number uint64) uint64 {
	i, _ := slices.BinarySearch(l.files, number)
	if i == 0 {
		return 0
	}
	return l.files[i-1]
}

// part is a file to replay.
type part struct {
	number uint64
	// headless files are of the earlier format.
	headless bool
	// length is the offset up to which its records were acknowledged, or anyLength.
	length int64
}

// parts returns the files to replay, oldest first. Each file names the previous one, starting at
// the newest. A file that no other names was never finished, and has no acknowledged records.
func (j *Journal) parts(names listing) ([]part, error) {
	from := j.options.From
	if from > 0 && !slices.Contains(names.files, from) && !slices.Contains(names.skipped, from) {
		return nil, j.missing(from)
	}
	var parts []part
	for p := (part{number: names.before(j.highest + 1), length: anyLength}); p.number >= max(from, 1); {
		before, use, err := j.head(&p, names)
		if err != nil {
			return nil, err
		}
		if use {
			parts = append(parts, p)
		}
		for before.number >= max(from, 1) && slices.Contains(names.skipped, before.number) {
			before = position{names.before(before.number), anyLength}
		}
		if before.number >= max(from, 1) && !slices.Contains(names.files, before.number) {
			return nil, j.missing(before.number)
		}
		p = part{number: before.number, length: before.offset}
		if before.offset == anyLength {
			p.number = names.before(before.number + 1)
		}
	}
	slices.Reverse(parts)
	return parts, nil
}

// head reads the head of a file: the end of the previous one, and whether the file is valid.
func (j *Journal) head(p *part, names listing) (before position, use bool, err error) {
	path := j.path(p.number)
	file, err := j.options.FS.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return position{}, false, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	unfinished := position{names.before(p.number), anyLength}
	payload, err := durable.NewReader(path, file).Next()
	var damaged *durable.DamagedError
	switch {
	case err == nil:
		if after, _, ok := parseHead(payload); ok {
			return after, true, nil
		}
		p.headless = true
		return position{p.number - 1, anyLength}, true, nil // of the earlier format
	case p.length != anyLength && (errors.Is(err, io.EOF) || errors.As(err, &damaged)):
		return position{}, false, j.damaged(p.number, 0, err)
	case errors.Is(err, io.EOF):
		return unfinished, false, nil
	case errors.As(err, &damaged):
		// The process may have died while it wrote the head.
		return unfinished, false, j.unfinished(p.number, 0, damaged)
	}
	return position{}, false, fmt.Errorf("read the journal: %w", err)
}

// replay replays the records of a file, and returns the offset of their end. The last write to
// the newest file must be written again to the next file, and the end is before it: its sync
// may have failed, and then a sync now would do nothing. The end is 0 if that write is the
// head.
func (j *Journal) replay(p part, newest bool) (end int64, err error) {
	path := j.path(p.number)
	file, err := j.options.FS.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return 0, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	r := durable.NewReader(path, file)
	for p.length == anyLength || r.Offset() < p.length {
		offset := r.Offset()
		payload, err := r.Next()
		var damaged *durable.DamagedError
		switch {
		case err == nil:
		case p.length == anyLength && errors.Is(err, io.EOF):
			return end, nil
		case p.length == anyLength && errors.As(err, &damaged):
			return end, j.unfinished(p.number, offset, damaged)
		case errors.Is(err, io.EOF):
			return 0, j.damaged(p.number, offset, durable.ErrTorn)
		case errors.As(err, &damaged):
			return 0, j.damaged(p.number, offset, damaged.Err)
		default:
			return 0, fmt.Errorf("read the journal: %w", err)
		}
		batch := payload
		switch {
		case p.headless:
			batch = appendRecord(nil, payload)
		case offset == 0:
			_, batch, _ = parseHead(payload)
		}
		if err := j.replayBatch(batch); err != nil {
			return 0, j.damaged(p.number, offset, err)
		}
		if end = r.Offset(); newest {
			end, j.again = offset, append(j.again[:0], batch...)
		}
	}
	if r.Offset() > p.length {
		return 0, j.damaged(p.number, p.length, errors.New("a record is longer than it was"))
	}
	return end, nil
}

func (j *Journal) replayBatch(batch []byte) error {
	for len(batch) > 0 {
		record, rest, err := nextInBatch(batch)
		if err != nil {
			return err
		}
		if err := j.options.Replay(record); err != nil {
			return err
		}
		batch = rest
	}
	return nil
}

// unfinished treats the end of a file as a write that was never acknowledged, unless an intact
// frame comes after it.
func (j *Journal) unfinished(number uint64, offset int64, why *durable.DamagedError) error {
	content, err := durable.ReadFile(j.options.FS, j.path(number))
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	rest := content[min(offset, int64(len(content))):]
	if durable.HasFrame(rest[min(1, len(rest)):]) {
		return j.damaged(number, offset, why.Err)
	}
	j.options.OnRepair(Repair{Path: j.path(number), Offset: offset, Bytes: int64(len(rest)), Err: why.Err})
	return nil
}

func (j *Journal) damaged(number uint64, offset int64, err error) error {
	damaged := &durable.DamagedError{Path: j.path(number), Offset: offset, Err: err}
	return fmt.Errorf("journal %w and was left untouched; append %s to its name to continue without its events", damaged, SkipSuffix)
}

func (j *Journal) missing(number uint64) error {
	return fmt.Errorf("journal %w; put an empty file with %s after its name in its place to continue without its events",
		durable.Damaged(j.path(number), errMissing), SkipSuffix)
}
