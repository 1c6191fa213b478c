// Package logtest captures logs and output in tests.
package logtest

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Buffer collects what several goroutines write. Its zero value is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is what has been written, and not taken.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Take removes the lines that have been written, and returns them.
func (b *Buffer) Take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return slices.Collect(strings.Lines(b.b.String()))
}
