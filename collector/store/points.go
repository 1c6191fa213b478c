package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// PointsFileName is the file within the storage directory that remembers when
// points were spent.
const PointsFileName = "points.log"

const (
	pointLength = 8
	// keptPoints is far more than any share of any rate limit spends in a minute.
	keptPoints = 1 << 15
	// maxPoints is when the file is cut to the kept ones.
	maxPoints = 2 * keptPoints
)

// Points is a journal of when points were spent, so that a process that is
// restarted over and over holds to its share all the same. It is written without
// waiting for the disk: what a killed process wrote is there, and after a failure
// of the machine a minute has passed anyway.
type Points struct {
	mu     sync.Mutex
	file   *os.File
	length int // in points
}

// OpenPoints opens the journal in a directory that exists, and returns what an
// earlier process spent, oldest first. A journal that can't be understood is begun
// anew: it matters for a minute only.
func OpenPoints(dir string) (*Points, []time.Time, error) {
	file, err := os.OpenFile(filepath.Join(dir, PointsFileName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("open the journal of points: %w", err)
	}
	p := &Points{file: file}
	spent, err := p.load()
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("read the journal of points: %w", err)
	}
	return p, spent, nil
}

// load reads the last points and cuts the file to them.
func (p *Points) load() ([]time.Time, error) {
	info, err := p.file.Stat()
	if err != nil {
		return nil, err
	}
	total := int(info.Size() / pointLength) // a last half-written point is dropped
	kept := min(total, keptPoints)
	content := make([]byte, kept*pointLength)
	if _, err := p.file.ReadAt(content, int64(total-kept)*pointLength); err != nil && kept > 0 {
		return nil, err
	}
	if err := p.file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := p.file.WriteAt(content, 0); err != nil {
		return nil, err
	}
	p.length = kept
	spent := make([]time.Time, kept)
	for i := range spent {
		spent[i] = time.UnixMilli(int64(binary.BigEndian.Uint64(content[i*pointLength:])))
	}
	return spent, nil
}

// Record adds a point. It can't fail: what a full disk does not take is at worst
// spent a second time after a restart.
func (p *Points) Record(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.length >= maxPoints {
		if _, err := p.load(); err != nil {
			return
		}
	}
	point := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	if _, err := p.file.WriteAt(point, int64(p.length)*pointLength); err == nil {
		p.length++
	}
}

// Close closes the file.
func (p *Points) Close() error { return p.file.Close() }
