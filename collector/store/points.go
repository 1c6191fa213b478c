package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// PointsFileName is the file within the storage directory that remembers when
// points were spent.
const PointsFileName = "points.log"

const (
	// pointLength is that of a time in milliseconds and of the limit.
	pointLength = 12
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

// Spent is what an earlier process left.
type Spent struct {
	// Limit is the organization's points per minute as known last; 0 if unknown.
	Limit int
	// Times are when points were spent, oldest first.
	Times []time.Time
}

// OpenPoints opens the journal in a directory that exists, and returns what an
// earlier process spent.
func OpenPoints(dir string) (*Points, Spent, error) {
	file, err := os.OpenFile(filepath.Join(dir, PointsFileName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, Spent{}, fmt.Errorf("open the journal of points: %w", err)
	}
	p := &Points{file: file}
	spent, err := p.load()
	if err != nil {
		_ = file.Close()
		return nil, Spent{}, fmt.Errorf("read the journal of points: %w", err)
	}
	return p, spent, nil
}

// load reads the last points and cuts the file to them.
func (p *Points) load() (Spent, error) {
	info, err := p.file.Stat()
	if err != nil {
		return Spent{}, err
	}
	total := int(info.Size() / pointLength) // a last half-written point is dropped
	kept := min(total, keptPoints)
	content := make([]byte, kept*pointLength)
	if _, err := p.file.ReadAt(content, int64(total-kept)*pointLength); err != nil && kept > 0 {
		return Spent{}, err
	}
	if err := p.file.Truncate(0); err != nil {
		return Spent{}, err
	}
	if _, err := p.file.WriteAt(content, 0); err != nil {
		return Spent{}, err
	}
	p.length = kept
	var spent Spent
	for point := range slices.Chunk(content, pointLength) {
		spent.Times = append(spent.Times, time.UnixMilli(int64(binary.BigEndian.Uint64(point))))
		spent.Limit = int(binary.BigEndian.Uint32(point[8:]))
	}
	return spent, nil
}

// Record adds a point. It can't fail: what a full disk does not take is at worst
// spent a second time after a restart.
func (p *Points) Record(at time.Time, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.length >= maxPoints {
		if _, err := p.load(); err != nil {
			return
		}
	}
	point := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	point = binary.BigEndian.AppendUint32(point, uint32(limit))
	if _, err := p.file.WriteAt(point, int64(p.length)*pointLength); err == nil {
		p.length++
	}
}

// Close closes the file.
func (p *Points) Close() error { return p.file.Close() }
