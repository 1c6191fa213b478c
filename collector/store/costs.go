package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"whereby_exporter/collector/durable"
)

// CostsFileName is the file of what was charged, within the storage directory.
const CostsFileName = "costs.json"

// Costs keeps what was charged in a file: a text, and a line with its checksum.
type Costs struct{ path string }

// NewCosts returns the file in a directory, which need not be there yet.
func NewCosts(dir string) *Costs { return &Costs{path: filepath.Join(dir, CostsFileName)} }

// Load returns what was last saved, nil if nothing was. A damaged file gives a
// [*durable.DamagedError].
func (c *Costs) Load() ([]byte, error) {
	content, err := c.Copy()
	if content == nil || err != nil {
		return nil, err
	}
	text, ok := bytes.CutSuffix(content, []byte("\n"))
	at := bytes.LastIndexByte(text, '\n')
	if !ok || at < 0 || string(text[at+1:]) != checksumLine(text[:at]) {
		return nil, fmt.Errorf("%w; move it away to compute all costs again from the price list, in which case cost counters may fall", durable.Damaged(c.path, errChecksum))
	}
	return text[:at], nil
}

// Save replaces the file.
func (c *Costs) Save(text []byte) error {
	return durable.Replace(c.path, durable.Content(fmt.Appendf(nil, "%s\n%s\n", text, checksumLine(text))))
}

// Copy returns the file as it is, nil if there is none.
func (c *Costs) Copy() ([]byte, error) {
	content, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

func checksumLine(text []byte) string {
	return fmt.Sprintf("crc32c %08x", durable.Checksum(nil, text))
}

// MemoryCosts keeps what was charged until the process ends.
type MemoryCosts struct{ text []byte }

// Load returns what was last saved, nil if nothing was.
func (m *MemoryCosts) Load() ([]byte, error) { return m.text, nil }

// Save keeps a text.
func (m *MemoryCosts) Save(text []byte) error {
	m.text = bytes.Clone(text)
	return nil
}
