package webhook

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sameAgain is how often an unchanged error is logged.
	sameAgain = time.Minute
	// anotherAfter is how soon after a line another error may be logged.
	anotherAfter = time.Second
)

// repeats logs an error that occurs with one request after another: at once, when it changes,
// and from time to time, with the number of occurrences.
type repeats struct {
	failing atomic.Bool // an error was logged, and no request has passed since

	mu     sync.Mutex
	err    string    // the last one logged
	logged time.Time // when it was logged
	count  int       // errors since then
}

// failed notes an error. If it is to be logged, failed returns how many there were since the
// last one that was logged.
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

// passed notes that there was no error. If that is to be logged, passed returns how many
// errors there were since the last one that was logged.
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
