package live

import (
	"iter"

	"whereby_exporter/whereby"
)

// status is how a recording or a transcription ended.
type status uint8

const (
	finished status = iota
	failed
	otherStatus
	statuses // the number of statuses
)

var statusNames = [statuses]string{"finished", "failed", "other"}

// Statuses returns the values of the label status.
func Statuses() []string { return append([]string(nil), statusNames[:]...) }

// ByStatus holds a figure for each of Statuses, in the same order.
type ByStatus [statuses]int64

// All yields the figures by status name, including zeros.
func (b ByStatus) All() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for i, n := range b {
			if !yield(statusNames[i], n) {
				return
			}
		}
	}
}

// Add adds the figures of o.
func (b *ByStatus) Add(o ByStatus) {
	for i, n := range o {
		b[i] += n
	}
}

// Sum returns the sum over all statuses.
func (b ByStatus) Sum() int64 {
	var sum int64
	for _, n := range b {
		sum += n
	}
	return sum
}

// statusOf returns the status of an event that ends a recording or a transcription. For
// recordings, "completed" is documented. For transcriptions, nothing is; the API has "ready"
// and "failed". If the status is missing, the type of the event decides.
func statusOf(e whereby.Event) status {
	if e.Type == whereby.TranscriptionFailed {
		return failed
	}
	switch e.Status {
	case "", "completed", "finished", "ready":
		return finished
	case "failed":
		return failed
	}
	return otherStatus
}
