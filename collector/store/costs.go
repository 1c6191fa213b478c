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

// CostsFileName is the name of the file with the tariff and the cost counters, within the
// storage directory.
const CostsFileName = "costs.json"

// Costs stores the tariff and the cost counters in a file: a text, and a line with its
// checksum.
type Costs struct{ path string }

// NewCosts returns the file in a directory. It need not exist yet.
func NewCosts(dir string) *Costs { return &Costs{path: filepath.Join(dir, CostsFileName)} }

// Load returns what was last saved, or nil if nothing was. For a damaged file, it returns a
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

// Copy returns the content of the file, or nil if there is none.
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

// MemoryCosts is like Costs, but forgets everything when the process ends.
type MemoryCosts struct{ text []byte }

// Load returns what was last saved, nil if nothing was.
func (m *MemoryCosts) Load() ([]byte, error) { return m.text, nil }

// Save keeps a text.
func (m *MemoryCosts) Save(text []byte) error {
	m.text = bytes.Clone(text)
	return nil
}
