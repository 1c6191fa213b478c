package shared

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
)

// loadAtOnce is how many rooms or records are asked for with one request.
const loadAtOnce = 1000

// change is a [ledger.Change] in the log.
type change struct {
	Rows     []ledger.Row  `json:"rows,omitempty"`
	Prefixes []string      `json:"prefixes,omitempty"`
	State    *ledger.State `json:"state,omitempty"`
	Present  []byte        `json:"present,omitempty"`
	// HasPresent tells an empty set from none.
	HasPresent bool `json:"hasPresent,omitempty"`
}

// Commit writes a change of the ledger, and calls apply once it is there.
func (l *Log) Commit(ctx context.Context, c ledger.Change, apply func() error) error {
	encoded := change{Rows: c.Rows, Prefixes: c.Prefixes, State: c.State}
	var ops []op
	for _, row := range c.Rows {
		value, err := json.Marshal(row)
		if err != nil {
			return err
		}
		ops = append(ops, command("HSET", keyRooms, row.Name, string(value)))
	}
	for _, prefix := range c.Prefixes {
		ops = append(ops, command("RPUSH", keyPrefixes, prefix))
	}
	if c.State != nil {
		state := *c.State
		state.Prefixes = nil
		encoded.State = &state
		value, err := json.Marshal(state)
		if err != nil {
			return err
		}
		ops = append(ops, command("SET", keyState, string(value)))
	}
	if c.Present != nil {
		bits, err := c.Present.AppendBinary(nil)
		if err != nil {
			return err
		}
		encoded.Present, encoded.HasPresent = bits, true
		ops = append(ops, command("SET", keyPresent, base64.StdEncoding.EncodeToString(bits)))
	}
	value, err := json.Marshal(encoded)
	if err != nil {
		return err
	}
	return l.Write(ctx, Ledger, value, ops, apply)
}

// Change is the change of the ledger that an entry holds.
func (e Entry) Change() (ledger.Change, error) {
	var c change
	if err := json.Unmarshal(e.Value, &c); err != nil {
		return ledger.Change{}, fmt.Errorf("read a change of the ledger: %w", err)
	}
	decoded := ledger.Change{Rows: c.Rows, Prefixes: c.Prefixes, State: c.State}
	if c.HasPresent {
		decoded.Present = new(ledger.IDSet)
		if err := decoded.Present.UnmarshalBinary(c.Present); err != nil {
			return ledger.Change{}, err
		}
	}
	return decoded, nil
}

// Sampled is a change of call quality.
type Sampled struct {
	Records []quality.Record `json:"records,omitempty"`
	Gone    []string         `json:"gone,omitempty"`
}

// Keep writes a change of call quality, and calls apply once it is there.
func (l *Log) Keep(ctx context.Context, s Sampled, apply func() error) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	var ops []op
	for _, record := range s.Records {
		ops = append(ops, command("HSET", keyQuality, record.Key, string(record.Value)))
	}
	for _, key := range s.Gone {
		ops = append(ops, command("HDEL", keyQuality, key))
	}
	return l.Write(ctx, Quality, value, ops, apply)
}

// Sampled is the change of call quality that an entry holds.
func (e Entry) Sampled() (Sampled, error) {
	var s Sampled
	if err := json.Unmarshal(e.Value, &s); err != nil {
		return s, fmt.Errorf("read a change of call quality: %w", err)
	}
	return s, nil
}

// Tell writes the result of a poll, which the next replica that starts is told too.
func (l *Log) Tell(ctx context.Context, result []byte) error {
	return l.Write(ctx, Poll, result, []op{command("SET", keyPoll, string(result))}, func() error { return nil })
}

// Lacks tells whether Redis has fewer rooms or records than a replica knows: then it has
// lost what it had.
func (l *Log) Lacks(ctx context.Context, rooms, records int) (bool, error) {
	for key, known := range map[int]int{keyRooms: rooms, keyQuality: records} {
		n, err := l.client.HLen(ctx, keys[key]).Result()
		if err != nil || n < int64(known) {
			return err == nil, err
		}
	}
	return false, nil
}

// Loader takes what a replica begins with.
type Loader interface {
	// Live takes the live state; "" is that of nobody in a room.
	Live(state []byte) error
	Ledger(ledger.Change) error
	Quality([]quality.Record) error
	// Poll takes the result of the last poll.
	Poll(result []byte) error
}

// Load reads what the log led to. It is no older than the entry whose number it returns,
// and some of it may be newer: the entries after that one are to be applied to it, and
// what they repeat changes nothing.
func (l *Log) Load(ctx context.Context, into Loader) (n int64, err error) {
	live, err := l.client.HGetAll(ctx, keys[keyLive]).Result()
	if err != nil {
		return 0, err
	}
	if live["n"] != "" {
		if _, err := fmt.Sscan(live["n"], &n); err != nil {
			return 0, fmt.Errorf("read the number of the live state: %w", err)
		}
	}
	if err := into.Live([]byte(live["state"])); err != nil {
		return 0, err
	}
	if err := l.loadLedger(ctx, into); err != nil {
		return 0, err
	}
	var records []quality.Record
	err = l.scan(ctx, keyQuality, func(key, value string) error {
		records = append(records, quality.Record{Key: key, Value: []byte(value)})
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := into.Quality(records); err != nil {
		return 0, err
	}
	poll, err := l.client.MGet(ctx, keys[keyPoll]).Result()
	if err != nil {
		return 0, err
	}
	if result, ok := poll[0].(string); ok {
		return n, into.Poll([]byte(result))
	}
	return n, nil
}

func (l *Log) loadLedger(ctx context.Context, into Loader) error {
	prefixes, err := l.client.LRange(ctx, keys[keyPrefixes], 0, -1).Result()
	if err != nil {
		return err
	}
	// The prefixes come first, or the rooms would admit them in another order.
	if err := into.Ledger(ledger.Change{Prefixes: prefixes}); err != nil {
		return err
	}
	var rows []ledger.Row
	at := map[string]int{} // for a room may come twice
	give := func() error {
		err := into.Ledger(ledger.Change{Rows: rows})
		rows = nil
		clear(at)
		return err
	}
	err = l.scan(ctx, keyRooms, func(_, value string) error {
		var row ledger.Row
		if err := json.Unmarshal([]byte(value), &row); err != nil {
			return fmt.Errorf("read a room: %w", err)
		}
		if i, ok := at[row.Name]; ok {
			rows[i] = row
			return nil
		}
		at[row.Name] = len(rows)
		if rows = append(rows, row); len(rows) < loadAtOnce {
			return nil
		}
		return give()
	})
	if err != nil {
		return err
	}
	if err := give(); err != nil {
		return err
	}
	last, err := l.client.MGet(ctx, keys[keyState], keys[keyPresent]).Result()
	if err != nil {
		return err
	}
	var c ledger.Change
	if value, ok := last[0].(string); ok {
		c.State = new(ledger.State)
		if err := json.Unmarshal([]byte(value), c.State); err != nil {
			return fmt.Errorf("read the ledger's state: %w", err)
		}
	}
	if value, ok := last[1].(string); ok {
		bits, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return fmt.Errorf("read the rooms of the last full scan: %w", err)
		}
		c.Present = new(ledger.IDSet)
		if err := c.Present.UnmarshalBinary(bits); err != nil {
			return err
		}
	}
	return into.Ledger(c)
}

// scan gives the fields of a hash, some of them twice while it grows.
func (l *Log) scan(ctx context.Context, key int, each func(field, value string) error) error {
	var cursor uint64
	for {
		page, next, err := l.client.HScan(ctx, keys[key], cursor, "", loadAtOnce).Result()
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(page); i += 2 {
			if err := each(page[i], page[i+1]); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}
