package store

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

// PointsFileName is the name of the file that records when points were spent, within the
// storage directory.
const PointsFileName = "points.log"

// A record of the file is a time in milliseconds, of eight bytes, and four bytes:
// points, the number of the endpoint and the organization's limit.
const (
	recordLength = 12
	pointsShift  = 24
	// endpointShift is above the limit, which is cut off at a million points.
	endpointShift = 20
	maxLimit      = 1<<endpointShift - 1
	// blocked in place of points makes the time that until which a 429 said to wait.
	blocked = 0xff
	// keptRecords is far more than any share of any rate limit spends in a minute.
	keptRecords = 1 << 15
	// maxRecords is when the file is cut to the kept ones.
	maxRecords = 2 * keptRecords
)

// endpoints are those that a record can name, by their number. The number 0 is none.
func endpoints() []string {
	return []string{"", whereby.EndpointRooms, whereby.EndpointRoomSessions, whereby.EndpointParticipants, whereby.EndpointParticipant, whereby.EndpointTranscriptions, whereby.EndpointRecordings}
}

// Points records when points were spent, so that a process that is restarted repeatedly keeps
// to its share. It is written without waiting for the disk: what a killed process wrote is
// there, and after a crash of the machine, a minute has passed anyway.
type Points struct {
	mu     sync.Mutex
	file   *os.File
	length int // in records
	cut    int // how many records were cut off in front
}

// OpenPoints opens the file in an existing directory, and returns what an earlier process
// recorded.
func OpenPoints(dir string) (*Points, whereby.BudgetState, error) {
	file, err := os.OpenFile(filepath.Join(dir, PointsFileName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, whereby.BudgetState{}, fmt.Errorf("open the journal of points: %w", err)
	}
	p := &Points{file: file}
	state, err := p.load()
	if err != nil {
		_ = file.Close()
		return nil, whereby.BudgetState{}, fmt.Errorf("read the journal of points: %w", err)
	}
	return p, state, nil
}

// load reads the last records and cuts the file to them.
func (p *Points) load() (whereby.BudgetState, error) {
	var state whereby.BudgetState
	info, err := p.file.Stat()
	if err != nil {
		return state, err
	}
	total := int(info.Size() / recordLength) // a last half-written record is dropped
	kept := min(total, keptRecords)
	content := make([]byte, kept*recordLength)
	if _, err := p.file.ReadAt(content, int64(total-kept)*recordLength); err != nil && kept > 0 {
		return state, err
	}
	if err := p.file.Truncate(0); err != nil {
		return state, err
	}
	if _, err := p.file.WriteAt(content, 0); err != nil {
		return state, err
	}
	p.length, p.cut = kept, p.cut+total-kept
	for record := range slices.Chunk(content, recordLength) {
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(record)))
		value := binary.BigEndian.Uint32(record[8:])
		points := int(value >> pointsShift)
		if points == blocked {
			state.BlockedUntil, state.BlockedSince = at, time.Time{}
			if n := len(state.Expenses); n > 0 {
				state.BlockedSince = state.Expenses[n-1].At // the request that was refused, or one after it
			}
			continue
		}
		e := whereby.Expense{At: at, Points: points, Limit: int(value & maxLimit)}
		if n := int(value>>endpointShift) & 0xf; n < len(endpoints()) {
			e.Endpoint = endpoints()[n]
		}
		if points == 0 && e.Endpoint == "" {
			e.Points = 1 // as versions wrote them that took every request for a point
		}
		state.Expenses = append(state.Expenses, e)
	}
	return state, nil
}

// Spend records a request before it is sent, for [whereby.Budget.OnSpend]. It can't fail: at
// worst, points that a full disk did not record are spent again after a restart.
func (p *Points) Spend(e whereby.Expense) (settle func(points int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := p.append(encodeExpense(e))
	return func(points int) {
		e.Points = points
		p.mu.Lock()
		defer p.mu.Unlock()
		if at := number - p.cut; at >= 0 && at < p.length {
			_, _ = p.file.WriteAt(encodeExpense(e), int64(at)*recordLength)
		}
	}
}

// Block records until when a 429 asked to wait, for [whereby.Budget.OnBlock].
func (p *Points) Block(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.append(encodeRecord(until, blocked<<pointsShift))
}

// append adds a record and returns its number, counted from the first one that the
// process saw.
func (p *Points) append(record []byte) int {
	if p.length >= maxRecords {
		if _, err := p.load(); err != nil {
			return -1
		}
	}
	number := p.cut + p.length
	if _, err := p.file.WriteAt(record, int64(p.length)*recordLength); err != nil {
		return -1
	}
	p.length++
	return number
}

func encodeExpense(e whereby.Expense) []byte {
	value := uint32(min(e.Points, blocked-1))<<pointsShift | uint32(min(e.Limit, maxLimit))
	if n := slices.Index(endpoints(), e.Endpoint); n > 0 {
		value |= uint32(n) << endpointShift
	}
	return encodeRecord(e.At, value)
}

func encodeRecord(at time.Time, value uint32) []byte {
	record := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	return binary.BigEndian.AppendUint32(record, value)
}

// Close closes the file.
func (p *Points) Close() error { return p.file.Close() }
