package wherebytest

import (
	"container/heap"
	"net/http"
	"sync"
	"time"
)

// NullStyle determines how an absent value is written. The API's documentation allows both
// ways, so a reader must accept both.
type NullStyle int

// The ways to write an absent value.
const (
	OmitNulls     NullStyle = iota // the field is left out
	ExplicitNulls                  // the field is null; gaps in samples are null too
)

// SessionTimeStyle determines the names of a session's times. The API's documentation requires
// one pair and describes the other.
type SessionTimeStyle int

// The names of a session's times.
const (
	BothPairs    SessionTimeStyle = iota // all four
	StartedEnded                         // startedAt and endedAt
	CreatedEnd                           // createdAt and endAt
)

// CursorStyle determines what a cursor remembers.
type CursorStyle int

// The kinds of cursor.
const (
	// OffsetCursors count rows. So rows that move while a list is being read are seen twice or
	// not at all.
	OffsetCursors CursorStyle = iota
	// KeysetCursors remember the last row. So only a row that itself moves across it is seen
	// twice or not at all.
	KeysetCursors
)

// Config describes an account. The zero value is usable.
type Config struct {
	// APIKey is the expected bearer token; "" means "test-key".
	APIKey string
	// PointsPerMinute is the organization's limit; 0 means 1000, as on the Enterprise plan.
	PointsPerMinute int
	// Limiter determines how points come back.
	Limiter Limiter
	// Cost returns the points that a request costs, by its endpoint (one of the endpoint
	// constants), the number of rows in the response, and its time. Nil means 1 point per
	// request. The cost of Insights requests is unknown: 1 to 10 points, depending on
	// complexity, and it may change at any time. Cost must not call the account's methods.
	Cost func(endpoint string, rows int, at time.Time) int
	// RefusalCost is what a request costs that is rejected because no points are left. It is
	// unknown, and mostly nothing.
	RefusalCost int
	// ResetAlways sends X-RateLimit-Reset with every response. Otherwise it is sent only with
	// a 429, as documented.
	ResetAlways bool
	// Lag is how far Insights lags behind the meetings.
	Lag time.Duration
	// Insights determines how rooms and sessions are shown.
	Insights Insights
	// Transcriptions determines how transcriptions are listed.
	Transcriptions Transcriptions
	// Recordings determines how stored recordings are listed.
	Recordings Recordings
	// Nulls determines how absent values are written.
	Nulls NullStyle
	// SessionTimes determines the names of a session's times.
	SessionTimes SessionTimeStyle
	// Cursors determines what a cursor remembers.
	Cursors CursorStyle
	// NullsFirst puts rows without the sorted field first in descending order, and last in
	// ascending order. Otherwise it is the other way around.
	NullsFirst bool
	// ExpireRooms deletes a room 24 h after its EndAt.
	ExpireRooms bool
	// KeepDeleted keeps deleted and expired rooms in Insights.
	KeepDeleted bool
	// Networks are the networks of participants who were not assigned one.
	Networks NetworkMix
	// MissingSeries leaves one array out of the traces of one participant in eight.
	MissingSeries bool
	// NoRequestLog keeps [Account.Requests] empty, for benchmarks. Requests are still counted.
	NoRequestLog bool
}

// Account is a simulated Whereby account. Its methods may be called concurrently.
type Account struct {
	cfg Config

	mu       sync.Mutex
	byName   map[string]*room
	rooms    []*room // by ordinal; every room there ever was
	slab     []room  // rooms are allocated by the thousand
	shown    int
	indexes  map[string]*index
	timeline timeline
	meetings meetings
	named    map[string]located // sessions whose ID was given
	salt     uint64             // of the IDs that were not given
	points   points
	faults   []*armed
	requests requestLog
	hook     func(n int, r *http.Request)
	networks []networkMix
	stored   []*Recording // by ID
	demo     *demo
	changed  chan struct{} // closed when a session is scheduled; nil: nobody waits for it

	transcriptions []transcription // that were added
	recorded       []transcription // of recordings, as of a version of the meetings
	recordedOf     int
}

// New returns an account without rooms.
func New(cfg Config) *Account {
	if cfg.APIKey == "" {
		cfg.APIKey = "test-key"
	}
	if cfg.PointsPerMinute == 0 {
		cfg.PointsPerMinute = 1000
	}
	return &Account{
		cfg:      cfg,
		byName:   make(map[string]*room),
		indexes:  make(map[string]*index),
		named:    make(map[string]located),
		points:   newPoints(cfg.Limiter, cfg.PointsPerMinute),
		requests: requestLog{off: cfg.NoRequestLog, count: make(map[string]int)},
	}
}

// OnRequest sets a hook that is called at the start of every request, with n counting from 1.
// The hook may change the account, so that rows move between two pages. Nil removes it.
func (a *Account) OnRequest(hook func(n int, r *http.Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hook = hook
}

// lock locks the account and catches up with the clock. Every method that reads
// or changes rooms begins with it. It returns the time in milliseconds.
func (a *Account) lock() int64 {
	a.mu.Lock()
	now := time.Now().UnixMilli()
	a.advance(now)
	return now
}

// advance lets everything happen that is due.
func (a *Account) advance(now int64) {
	if a.demo != nil {
		a.demo.extend(a, now)
	}
	for len(a.timeline) > 0 && a.timeline[0].at <= now {
		a.come(heap.Pop(&a.timeline).(due), now)
	}
}

// come lets happen what is due, unless it has been put off since.
func (a *Account) come(d due, now int64) {
	p := d.room.past
	expires, ok := a.expires(d.room)
	switch {
	case p != nil && p.due == d.at:
		p.due = 0
	case !ok || expires != d.at:
		return
	}
	a.settle(d.room, now)
}

// horizon returns the moment that Insights has reached by now.
func (a *Account) horizon(now int64) int64 {
	return now - a.cfg.Lag.Milliseconds()
}

// due says when a room's figures change next.
type due struct {
	at   int64
	room *room
}

// timeline is a heap of what is due, earliest first.
type timeline []due

func (t timeline) Len() int           { return len(t) }
func (t timeline) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timeline) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timeline) Push(x any)        { *t = append(*t, x.(due)) }
func (t *timeline) Pop() any {
	old := *t
	last := len(old) - 1
	d := old[last]
	old[last] = due{}
	*t = old[:last]
	return d
}

// millis returns a time in the account's resolution; 0 stands for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment returns the reverse of millis.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
