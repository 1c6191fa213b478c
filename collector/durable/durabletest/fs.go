// Package durabletest provides an in-memory file system that can fail: a [durable.FS] for
// tests.
//
// For each file it tracks what a process sees and what is on disk; a sync copies the first
// to the second. After a power failure, see [FS.LosePower], only what was on disk is
// certain to remain.
package durabletest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"whereby_exporter/collector/durable"
)

// ErrInjected is the error of a call that was made to fail.
var ErrInjected = errors.New("input/output error")

// Op is a kind of call.
type Op string

// The kinds.
const (
	Mkdir   Op = "mkdir"
	List    Op = "list"
	Open    Op = "open"
	Read    Op = "read"
	Write   Op = "write"
	Sync    Op = "sync"
	Close   Op = "close"
	Remove  Op = "remove"
	Rename  Op = "rename"
	SyncDir Op = "sync directory"
)

// Call is one call.
type Call struct {
	// N counts the calls from 0.
	N    int
	Op   Op
	Path string
	// Bytes is the length of a write.
	Bytes int
}

// Fault is what happens to a call.
type Fault struct {
	// Err is what it returns; nil if it is right.
	Err error
	// Done is how many bytes of a failing write are written nevertheless. A failing call
	// of another kind has no effect, unless Done is above 0.
	Done int
	// Dead has every further call fail without an effect, as if the process had been
	// killed in this one.
	Dead bool
}

// FS is safe for concurrent use.
type FS struct {
	// Fault decides about each call; nil lets all be right. It is set while nothing runs.
	Fault func(Call) Fault
	// Hang is what a sync waits for; nil is nothing.
	Hang chan struct{}

	mu    sync.Mutex
	calls int
	dead  bool
	// space is how many bytes are left; a file takes some even if it is empty.
	space int
	seen  map[string]*inode // by path
	disk  map[string]*inode
	// changes are those of directories that are not on disk.
	changes []change
}

const (
	unlimited = 1 << 40
	perFile   = 16
)

type inode struct {
	dir        bool
	seen, disk []byte
	// writes are those that are not on disk; of lost ones a sync failed, and none will put
	// them there.
	writes, lost []write
}

type write struct {
	at    int
	bytes []byte
}

// change is a file that got a name, lost one, or both.
type change struct {
	add, remove string
	file        *inode
	lost        bool // a sync of its directory failed
}

// New returns a file system with one empty directory.
func New(dir string) *FS {
	root := &inode{dir: true}
	return &FS{space: unlimited, seen: map[string]*inode{dir: root}, disk: map[string]*inode{dir: root}}
}

var _ durable.FS = (*FS)(nil)

// Calls is how many calls there were.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Revive ends all faults: the process is started again, or the disk has recovered.
func (f *FS) Revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead, f.Fault, f.space = false, nil, unlimited
}

// SetSpace is how many bytes are free.
func (f *FS) SetSpace(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.space = n
}

// Paths are those of the files, sorted.
func (f *FS) Paths() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paths []string
	for path, file := range f.seen {
		if !file.dir {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// Content is that of a file; nil if there is none.
func (f *FS) Content(path string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if file := f.seen[path]; file != nil {
		return slices.Clone(file.seen)
	}
	return nil
}

// Put has a file hold something, on disk too, as damage or a person does.
func (f *FS) Put(path string, content []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := &inode{seen: slices.Clone(content), disk: slices.Clone(content)}
	f.seen[path], f.disk[path] = file, file
}

// Delete has a file be gone, on disk too.
func (f *FS) Delete(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.seen, path)
	delete(f.disk, path)
}

// Clone returns a copy of what a process sees, all of it on disk.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &FS{space: unlimited, seen: map[string]*inode{}}
	for path, file := range f.seen {
		c.seen[path] = &inode{dir: file.dir, seen: slices.Clone(file.seen), disk: slices.Clone(file.seen)}
	}
	c.disk = maps.Clone(c.seen)
	return c
}

// call decides about a call. It holds the lock until done is called.
func (f *FS) call(op Op, path string, bytes int) (fault Fault, done func()) {
	f.mu.Lock()
	if f.dead {
		return Fault{Err: ErrInjected, Dead: true}, f.mu.Unlock
	}
	n := f.calls
	f.calls++
	if f.Fault != nil {
		fault = f.Fault(Call{n, op, path, bytes})
		f.dead = fault.Dead
		if fault.Dead && fault.Err == nil {
			fault.Err, fault.Done = ErrInjected, bytes+1
		}
	}
	return fault, f.mu.Unlock
}

// do makes a call that is done as a whole or not at all.
func (f *FS) do(op Op, path string, effect func() error) error {
	fault, done := f.call(op, path, 0)
	defer done()
	if fault.Err == nil {
		return effect()
	}
	if fault.Done > 0 {
		_ = effect()
	}
	return fault.Err
}

// MkdirAll makes the last directory of a path.
func (f *FS) MkdirAll(path string, _ fs.FileMode) error {
	return f.do(Mkdir, path, func() error {
		if f.seen[path] == nil {
			f.change(change{add: path, file: &inode{dir: true}})
		}
		return nil
	})
}

func (f *FS) change(c change) {
	if c.remove != "" {
		delete(f.seen, c.remove)
	}
	if c.add != "" {
		f.seen[c.add] = c.file
	}
	f.changes = append(f.changes, c)
}

// ReadDir implements [durable.FS].
func (f *FS) ReadDir(path string) (names []string, err error) {
	err = f.do(List, path, func() error {
		if f.seen[path] == nil {
			return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		for name := range f.seen {
			if filepath.Dir(name) == path && name != path {
				names = append(names, filepath.Base(name))
			}
		}
		return nil
	})
	return names, err
}

// OpenFile implements [durable.FS].
func (f *FS) OpenFile(path string, flag int, _ fs.FileMode) (durable.File, error) {
	var opened *inode
	err := f.do(Open, path, func() error {
		file := f.seen[path]
		refuse := func(err error) error { return &fs.PathError{Op: "open", Path: path, Err: err} }
		switch {
		case file == nil && flag&os.O_CREATE == 0:
			return refuse(fs.ErrNotExist)
		case file != nil && flag&os.O_EXCL != 0:
			return refuse(fs.ErrExist)
		case file == nil && f.space < perFile:
			return refuse(syscall.ENOSPC)
		case file == nil:
			file = &inode{}
			f.space -= perFile
			f.change(change{add: path, file: file})
		}
		opened = file
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &handle{fs: f, path: path, inode: opened}, nil
}

// Remove implements [durable.FS].
func (f *FS) Remove(path string) error {
	return f.do(Remove, path, func() error {
		file := f.seen[path]
		if file == nil {
			return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
		}
		for other := range f.seen {
			if filepath.Dir(other) == path && other != path {
				return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTEMPTY}
			}
		}
		f.space += len(file.seen) + perFile
		f.change(change{remove: path, file: file})
		return nil
	})
}

// Rename implements [durable.FS].
func (f *FS) Rename(from, to string) error {
	return f.do(Rename, from, func() error {
		file := f.seen[from]
		if file == nil {
			return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
		}
		if replaced := f.seen[to]; replaced != nil {
			f.space += len(replaced.seen) + perFile
		}
		f.change(change{add: to, remove: from, file: file})
		return nil
	})
}

// SyncDir fails as a file's sync does, but that a later one tries again with directories.
func (f *FS) SyncDir(path string) error {
	fault, done := f.call(SyncDir, path, 0)
	defer done()
	if fault.Dead && fault.Done == 0 {
		return fault.Err
	}
	var kept []change
	for _, c := range f.changes {
		switch in := filepath.Dir(max(c.add, c.remove)) == path; {
		case in && fault.Err != nil && fault.Done == 0:
			c.lost = !c.file.dir
			kept = append(kept, c)
		case in && !c.lost:
			c.apply(f.disk)
			// Of what a sync failed to put there before, nothing comes after it.
			kept = slices.DeleteFunc(kept, func(o change) bool { return o.names(c.add) || o.names(c.remove) })
		default:
			kept = append(kept, c)
		}
	}
	f.changes = kept
	return fault.Err
}

func (c change) names(path string) bool { return path != "" && (c.add == path || c.remove == path) }

func (c change) apply(to map[string]*inode) {
	if c.remove != "" {
		delete(to, c.remove)
	}
	if c.add != "" {
		to[c.add] = c.file
	}
}

// handle is an open file, which is read and written from its beginning on.
type handle struct {
	fs    *FS
	path  string
	inode *inode
	at    int
}

func (h *handle) Read(b []byte) (n int, err error) {
	err = h.fs.do(Read, h.path, func() error {
		if h.at >= len(h.inode.seen) {
			return io.EOF
		}
		n = copy(b, h.inode.seen[h.at:])
		h.at += n
		return nil
	})
	return n, err
}

func (h *handle) Write(b []byte) (int, error) {
	fault, done := h.fs.call(Write, h.path, len(b))
	defer done()
	n := len(b)
	if fault.Err != nil {
		n = min(n, fault.Done)
	}
	if n > h.fs.space {
		n = max(0, h.fs.space)
		if fault.Err == nil {
			fault.Err = syscall.ENOSPC
		}
	}
	h.fs.space -= n
	w := write{h.at, slices.Clone(b[:n])}
	h.inode.seen = w.apply(h.inode.seen)
	h.inode.writes = append(h.inode.writes, w)
	h.at += n
	return n, fault.Err
}

func (w write) apply(to []byte) []byte {
	if more := w.at + len(w.bytes) - len(to); more > 0 {
		to = append(to, make([]byte, more)...)
	}
	copy(to[w.at:], w.bytes)
	return to
}

// Sync of a file fails as Linux has it: what was to be written may or may not be, and a
// later sync does not try again.
func (h *handle) Sync() error {
	if h.fs.Hang != nil {
		<-h.fs.Hang
	}
	fault, done := h.fs.call(Sync, h.path, 0)
	defer done()
	if fault.Err != nil && fault.Done == 0 {
		if !fault.Dead {
			h.inode.lost = append(h.inode.lost, h.inode.writes...)
			h.inode.writes = nil
		}
		return fault.Err
	}
	for _, w := range h.inode.writes {
		h.inode.disk = w.apply(h.inode.disk)
	}
	h.inode.writes = nil
	return fault.Err
}

func (h *handle) Close() error { return h.fs.do(Close, h.path, func() error { return nil }) }
