package backfill

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// figures are participant, recorder and streamer minutes, and sessions.
type figures [4]int64

const (
	participantMinutes = iota
	recorderMinutes
	streamerMinutes
	sessionCount
)

func (f figures) add(o figures) figures {
	for i := range f {
		f[i] += o[i]
	}
	return f
}

func (f figures) sub(o figures) figures {
	for i := range f {
		f[i] -= o[i]
	}
	return f
}

// floor returns f with negative values set to zero.
func (f figures) floor() figures {
	for i := range f {
		f[i] = max(0, f[i])
	}
	return f
}

// change is an amount for a key. Its user decides what it means.
type change struct {
	major, minor int64
	figures
}

func (c change) compare(o change) int {
	if d := cmp.Compare(c.major, o.major); d != 0 {
		return d
	}
	return cmp.Compare(c.minor, o.minor)
}

const (
	changeLength = 8 * 6
	// sortedAtOnce is how many changes are held in memory: 12 MiB.
	sortedAtOnce = 1 << 18
	runBuffer    = 1 << 15
)

// sorter sums changes by key and returns them in order. Those that do not fit into memory
// become sorted runs on disk. No later process uses its files.
type sorter struct {
	dir, name string
	limit     int
	held      []change
	runs      int
}

func newSorter(dir, name string) *sorter { return &sorter{dir: dir, name: name, limit: sortedAtOnce} }

func (s *sorter) add(c change) error {
	s.held = append(s.held, c)
	if len(s.held) < s.limit {
		return nil
	}
	s.sum()
	if len(s.held) < s.limit/2 {
		return nil
	}
	return s.spill()
}

// sum sorts the changes in memory and merges equal keys.
func (s *sorter) sum() {
	slices.SortFunc(s.held, change.compare)
	joined := s.held[:0]
	for _, c := range s.held {
		if n := len(joined); n > 0 && joined[n-1].compare(c) == 0 {
			joined[n-1].figures = joined[n-1].add(c.figures)
			continue
		}
		joined = append(joined, c)
	}
	s.held = joined
}

func (s *sorter) path(run int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s.%d", s.name, run))
}

func (s *sorter) spill() error {
	file, err := os.Create(s.path(s.runs))
	if err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	w := bufio.NewWriterSize(file, 1<<16)
	var b []byte
	for _, c := range s.held {
		b = binary.BigEndian.AppendUint64(b[:0], uint64(c.major))
		b = binary.BigEndian.AppendUint64(b, uint64(c.minor))
		for _, v := range c.figures {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		if _, err := w.Write(b); err != nil {
			return errors.Join(fmt.Errorf("sort: %w", err), file.Close())
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return fmt.Errorf("sort: %w", err)
	}
	s.runs++
	s.held = s.held[:0]
	return nil
}

// run is a sorted run and its first change that has not been returned.
type run struct {
	file *os.File
	r    *bufio.Reader
	next change
	ok   bool
}

func (r *run) advance() error {
	var b [changeLength]byte
	_, err := io.ReadFull(r.r, b[:])
	if errors.Is(err, io.EOF) {
		r.ok = false
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was sorted: %w", err)
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }
	r.next = change{at(0), at(1), figures{at(2), at(3), at(4), at(5)}}
	r.ok = true
	return nil
}

// sorted returns the sums in order, once, and deletes the files at its end.
func (s *sorter) sorted() iter.Seq2[change, error] {
	return func(yield func(change, error) bool) {
		s.sum()
		var runs []*run
		defer func() {
			for i, r := range runs {
				_ = r.file.Close()
				_ = os.Remove(s.path(i))
			}
		}()
		for i := range s.runs {
			file, err := os.Open(s.path(i))
			if err != nil {
				yield(change{}, fmt.Errorf("read what was sorted: %w", err))
				return
			}
			runs = append(runs, &run{file: file, r: bufio.NewReaderSize(file, runBuffer)})
			if err := runs[i].advance(); err != nil {
				yield(change{}, err)
				return
			}
		}
		held := s.held
		for {
			var least *change
			for _, r := range runs {
				if r.ok && (least == nil || r.next.compare(*least) < 0) {
					least = &r.next
				}
			}
			if len(held) > 0 && (least == nil || held[0].compare(*least) < 0) {
				least = &held[0]
			}
			if least == nil {
				return
			}
			sum := change{major: least.major, minor: least.minor}
			for _, r := range runs {
				if r.ok && r.next.compare(sum) == 0 {
					sum.figures = sum.add(r.next.figures)
					if err := r.advance(); err != nil {
						yield(change{}, err)
						return
					}
				}
			}
			if len(held) > 0 && held[0].compare(sum) == 0 {
				sum.figures = sum.add(held[0].figures)
				held = held[1:]
			}
			if !yield(sum, nil) {
				return
			}
		}
	}
}
