package shared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Kind is what an entry is of.
type Kind string

// The kinds.
const (
	// Event is a webhook's; whoever received it appended it.
	Event Kind = "event"
	// Ledger is a change of the ledger, Quality one of call quality, Poll the result of
	// a poll, and Correction one of the live counts.
	Ledger     Kind = "ledger"
	Quality    Kind = "quality"
	Poll       Kind = "poll"
	Correction Kind = "correction"
)

// Entry is one of the log.
type Entry struct {
	// N is 1 for the first entry, and one more for each further one.
	N     int64
	Kind  Kind
	Value []byte
	id    string
}

const (
	// readAtOnce bounds how many entries are read with one request, readWait how long
	// Redis waits for one.
	readAtOnce = 1000
	readWait   = time.Second
	// writeAgain is how long a write that nobody answered waits before it is repeated.
	writeAgain = 200 * time.Millisecond
	// batchMax bounds how many events are appended with one request.
	batchMax = 256
)

// ErrGap means that entries are missing: they were cut off before they were read, or
// Redis has lost them.
var ErrGap = errors.New("entries of the log are missing")

// appendScript appends an entry and does what goes with it, at once. Where the entry has
// an id, it is appended once however often that is asked for.
var appendScript = redis.NewScript(`
if ARGV[1] ~= '' then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
  if redis.call('HGET', KEYS[5], 'id') == ARGV[2] then return tonumber(redis.call('HGET', KEYS[5], 'n')) end
end
for _, op in ipairs(cjson.decode(ARGV[5])) do
  op[2] = KEYS[tonumber(op[2])]
  redis.call(unpack(op))
end
local n = redis.call('INCR', KEYS[3])
redis.call('XADD', KEYS[4], n .. '-0', 'k', ARGV[3], 'v', ARGV[4], 'i', ARGV[2])
if ARGV[1] ~= '' then redis.call('HSET', KEYS[5], 'id', ARGV[2], 'n', n) end
return n`)

// checkpointScript keeps a state that the entries up to one led to, and cuts the log
// before the checkpoint before it: who reads more slowly begins anew.
var checkpointScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local last = redis.call('HGET', KEYS[3], 'n') or '0'
redis.call('HSET', KEYS[3], 'n', ARGV[2], 'state', ARGV[3])
redis.call('XTRIM', KEYS[2], 'MINID', last .. '-0')
return 0`)

// Log is the replicas' log. It is safe for concurrent use.
type Log struct {
	client *redis.Client
	lease  *Lease

	sequence atomic.Int64
	pending  sync.Map // of the ids of this process's entries, to their *write

	mu       sync.Mutex // guards what follows
	waiting  []*addition
	flushing bool
	flushers sync.WaitGroup
}

// write is one under way.
type write struct {
	over    chan struct{}
	applied bool
}

// addition is an event that waits to be appended.
type addition struct {
	value string
	done  chan error
}

// op is a command that goes with an entry: its name, the number of its key, and more.
type op []string

func command(name string, key int, args ...string) op {
	return append(op{name, strconv.Itoa(key + 1)}, args...)
}

func (l *Log) script(token, id string, kind Kind, value string, ops []op) (args []any, err error) {
	encoded := []byte("[]")
	if len(ops) > 0 {
		if encoded, err = json.Marshal(ops); err != nil {
			return nil, err
		}
	}
	return []any{token, id, string(kind), value, encoded}, nil
}

// Append appends an event, and returns once Redis has it.
func (l *Log) Append(ctx context.Context, value []byte) error {
	mine := &addition{value: string(value), done: make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, mine)
	if !l.flushing {
		l.flushing = true
		l.flushers.Go(l.flush)
	}
	l.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for Redis: %w", context.Cause(ctx))
	}
}

// flush appends events until none is left. What comes meanwhile goes together with the
// next request.
func (l *Log) flush() {
	for {
		l.mu.Lock()
		batch := l.waiting[:min(len(l.waiting), batchMax)]
		l.waiting = l.waiting[len(batch):]
		if len(batch) == 0 {
			l.waiting, l.flushing = nil, false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		l.appendAll(batch)
	}
}

func (l *Log) appendAll(batch []*addition) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	pipe := l.client.Pipeline()
	answers := make([]*redis.Cmd, len(batch))
	for i, a := range batch {
		args, _ := l.script("", "", Event, a.value, nil) // nothing in it can fail
		answers[i] = appendScript.EvalSha(ctx, pipe, keys, args...)
	}
	_, err := pipe.Exec(ctx)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		// Redis was restarted; it did none of them.
		if err = appendScript.Load(ctx, l.client).Err(); err == nil {
			l.appendAll(batch)
			return
		}
	}
	for i, a := range batch {
		err := answers[i].Err()
		if err != nil {
			err = fmt.Errorf("write to Redis: %w", err)
		}
		a.done <- err
	}
}

// Write appends an entry that only the leader may, with what goes with it, and calls
// apply once it is there. It repeats that until the answer is known or the lease is lost.
// After an error the entry may be there all the same; then [Log.Read] gives it.
func (l *Log) Write(ctx context.Context, kind Kind, value []byte, ops []op, apply func() error) error {
	token := l.lease.token()
	if token == "" {
		return ErrNotLeading
	}
	id := token + "/" + strconv.FormatInt(l.sequence.Add(1), 10)
	args, err := l.script(token, id, kind, string(value), ops)
	if err != nil {
		return err
	}
	w := &write{over: make(chan struct{})}
	l.pending.Store(id, w)
	defer close(w.over)
	for {
		n, err := appendScript.Run(ctx, l.client, keys, args...).Int64()
		switch {
		case err == nil && n < 0:
			l.pending.Delete(id)
			return ErrNotLeading
		case err == nil:
			if apply != nil {
				if err := apply(); err != nil {
					return err
				}
			}
			w.applied = apply != nil
			return nil
		case l.lease.token() != token:
			return fmt.Errorf("write to Redis: %w", err)
		}
		var refused redis.Error
		if errors.As(err, &refused) && !passing(refused) {
			return fmt.Errorf("write to Redis: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("write to Redis: %w", context.Cause(ctx))
		case <-time.After(writeAgain):
		}
	}
}

// passing tells of an error that Redis answers with whether it goes by itself.
func passing(err redis.Error) bool {
	for _, prefix := range []string{"LOADING", "READONLY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "BUSY", "NOREPLICAS"} {
		if strings.HasPrefix(err.Error(), prefix) {
			return true
		}
	}
	return false
}

// Read returns the entries after one, and whether they are all there are now. It waits
// a little for the first one. Entries that this process wrote itself, and has applied,
// have no kind.
func (l *Log) Read(ctx context.Context, after int64) (entries []Entry, all bool, err error) {
	streams, err := l.client.XRead(ctx, &redis.XReadArgs{
		Streams: []string{keys[keyLog], strconv.FormatInt(after, 10) + "-0"}, Count: readAtOnce, Block: readWait,
	}).Result()
	if errors.Is(err, redis.Nil) {
		end, err := l.End(ctx)
		if err == nil && end < after {
			err = ErrGap
		}
		return nil, end == after, err
	}
	if err != nil {
		return nil, false, err
	}
	for _, stream := range streams {
		for _, message := range stream.Messages {
			entry, err := entryOf(message)
			if err != nil {
				return nil, false, err
			}
			if after++; entry.N != after {
				return nil, false, ErrGap
			}
			l.own(&entry)
			entries = append(entries, entry)
		}
	}
	return entries, len(entries) < readAtOnce, nil
}

// own takes the kind from an entry that this process has applied already.
func (l *Log) own(e *Entry) {
	if e.id == "" {
		return
	}
	found, mine := l.pending.LoadAndDelete(e.id)
	if !mine {
		return
	}
	w := found.(*write)
	<-w.over
	if w.applied {
		e.Kind = ""
	}
}

func entryOf(m redis.XMessage) (Entry, error) {
	n, err := strconv.ParseInt(strings.TrimSuffix(m.ID, "-0"), 10, 64)
	kind, _ := m.Values["k"].(string)
	value, ok := m.Values["v"].(string)
	id, _ := m.Values["i"].(string)
	if err != nil || !ok {
		return Entry{}, fmt.Errorf("entry %s of the log is none of this program", m.ID)
	}
	return Entry{N: n, Kind: Kind(kind), Value: []byte(value), id: id}, nil
}

// End is the number of the last entry; 0 where there is none.
func (l *Log) End(ctx context.Context) (int64, error) {
	n, err := l.client.Get(ctx, keys[keyNumber]).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, err
}

// Young tells whether the log holds every entry since it was begun, or none, and nothing
// was kept of what it led to.
func (l *Log) Young(ctx context.Context) (bool, error) {
	kept, err := l.client.Exists(ctx, keys[keyLive]).Result()
	if err != nil || kept > 0 {
		return false, err
	}
	first, err := l.client.XRangeN(ctx, keys[keyLog], "-", "+", 1).Result()
	if err != nil {
		return false, err
	}
	if len(first) == 0 {
		end, err := l.End(ctx)
		return end == 0, err
	}
	return first[0].ID == "1-0", nil
}

// Has tells whether an entry that was read is in the log still, as it was; or whether
// that can't be told, as it was cut off.
func (l *Log) Has(ctx context.Context, e Entry) (bool, error) {
	at := strconv.FormatInt(e.N, 10) + "-0"
	end, err := l.End(ctx)
	if err != nil || end < e.N {
		return false, err
	}
	messages, err := l.client.XRange(ctx, keys[keyLog], at, at).Result()
	if err != nil || len(messages) == 0 {
		return err == nil, err
	}
	found, err := entryOf(messages[0])
	return err == nil && found.id == e.id && string(found.Value) == string(e.Value), err
}

// Checkpoint keeps the live state that the entries up to the nth led to.
func (l *Log) Checkpoint(ctx context.Context, n int64, state []byte) error {
	token := l.lease.token()
	if token == "" {
		return ErrNotLeading
	}
	answer, err := checkpointScript.Run(ctx, l.client, []string{keys[keyLease], keys[keyLog], keys[keyLive]}, token, n, state).Int()
	if err == nil && answer < 0 {
		err = ErrNotLeading
	}
	return err
}
