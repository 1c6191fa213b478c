package webhook

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sameAgain is how often an error that stays the same is logged.
	sameAgain = time.Minute
	// anotherAfter is how soon after a line another error may be logged.
	anotherAfter = time.Second
)

// repeats logs an error that comes with one request after another: at once, when it
// changes, and from time to time, with how often it came.
type repeats struct {
	failing atomic.Bool // since a line was logged

	mu     sync.Mutex
	err    string    // that was logged last
	logged time.Time // when that was
	count  int       // errors since then
}

// failed notes an error. If it is to be logged, it returns how many there were since the
// last that was.
func (r *repeats) failed(err error) (count int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	age, text := time.Since(r.logged), err.Error()
	if age < anotherAfter || r.failing.Load() && text == r.err && age < sameAgain {
		return 0, false
	}
	count = r.count
	r.err, r.logged, r.count = text, time.Now(), 0
	r.failing.Store(true)
	return count, true
}

// passed notes that there was no error. If that is to be logged, it returns how many errors
// there were since the last that was.
func (r *repeats) passed() (count int, due bool) {
	if !r.failing.Load() {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.failing.CompareAndSwap(true, false) {
		return 0, false
	}
	count, r.count = r.count, 0
	return count, true
}
