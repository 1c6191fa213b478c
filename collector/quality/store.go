package quality

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"strings"
)

// Store keeps records by key. A change is stored as a whole or not at all.
type Store interface {
	// Records yields all records.
	Records() iter.Seq2[Record, error]
	// Keep writes records and deletes those whose keys are gone.
	Keep(records []Record, gone []string) error
}

// Record is a value with its key.
type Record struct {
	Key   string
	Value []byte
}

func (r Record) isSession() bool { return strings.HasPrefix(r.Key, sessionKey) }

// The prefixes of record keys say what the records are about.
const (
	sessionKey = "session "
	prefixKey  = "prefix "
	deviceKey  = "devices"
)

// state is everything that is known. Only a [change] changes it.
type state struct {
	// rooms are the sessions by room, oldest first.
	rooms    map[string][]*session
	prefixes map[string]*Figures
	devices  map[Device]int64
}

// load reads the store.
func load(store Store) (*state, error) {
	s := &state{rooms: map[string][]*session{}, prefixes: map[string]*Figures{}, devices: map[Device]int64{}}
	for r, err := range store.Records() {
		if err == nil {
			err = s.restore(r)
		}
		if err != nil {
			return nil, fmt.Errorf("read what is known of call quality: %w", err)
		}
	}
	return s, nil
}

func (s *state) restore(r Record) error {
	label, isPrefix := strings.CutPrefix(r.Key, prefixKey)
	switch {
	case r.isSession():
		restored := &session{index: -1}
		if err := json.Unmarshal(r.Value, &restored.record); err != nil {
			return err
		}
		s.insert(restored)
	case isPrefix:
		figures := &Figures{}
		s.prefixes[label] = figures
		return json.Unmarshal(r.Value, figures)
	case r.Key == deviceKey:
		var counts []deviceCount
		if err := json.Unmarshal(r.Value, &counts); err != nil {
			return err
		}
		for _, c := range counts {
			s.devices[c.Device] = c.Participants
		}
	}
	return nil // anything else is a newer version's
}

type deviceCount struct {
	Device
	Participants int64
}

// insert puts a session in its place.
func (s *state) insert(add *session) {
	list := append(s.rooms[add.Room], add)
	for i := len(list) - 1; i > 0 && list[i-1].Start > list[i].Start; i-- {
		list[i-1], list[i] = list[i], list[i-1]
	}
	s.rooms[add.Room] = list
}

// find returns the session of a room that began at a time, or nil. The listings may round a
// time differently.
func (s *state) find(room string, start int64) *session {
	for _, known := range s.rooms[room] {
		if d := known.Start - start; d >= -1 && d <= 1 {
			return known
		}
	}
	return nil
}

// change collects changes to a state without touching it: they are first made durable, then
// visible.
type change struct {
	state    *state
	sessions map[*session]*record
	added    []*session
	gone     []*session
	prefixes map[string]*Figures
	devices  map[Device]int64
}

func (s *state) change() *change {
	return &change{state: s, sessions: map[*session]*record{}, prefixes: map[string]*Figures{}}
}

// session returns the future record of a session.
func (c *change) session(s *session) *record {
	r := c.sessions[s]
	if r == nil {
		clone := s.record
		clone.Read = clone.Read[:len(clone.Read):len(clone.Read)]
		r = &clone
		c.sessions[s] = r
	}
	return r
}

// add puts in a session.
func (c *change) add(s *session) {
	s.index = -1
	c.added = append(c.added, s)
	c.session(s)
}

// figures returns the future figures of a prefix.
func (c *change) figures(label string) *Figures {
	f := c.prefixes[label]
	if f == nil {
		f = &Figures{}
		if known := c.state.prefixes[label]; known != nil {
			f = known.clone()
		}
		c.prefixes[label] = f
	}
	return f
}

// device counts a device.
func (c *change) device(d Device) {
	if c.devices == nil {
		c.devices = maps.Clone(c.state.devices)
	}
	c.devices[d]++
}

func (c *change) empty() bool {
	return len(c.sessions)+len(c.gone)+len(c.prefixes) == 0 && c.devices == nil
}

// keep makes the change durable.
func (c *change) keep(store Store) error {
	var records []Record
	put := func(key string, value any) error {
		encoded, err := json.Marshal(value)
		records = append(records, Record{key, encoded})
		return err
	}
	for _, r := range c.sessions {
		if err := put(r.key(), r); err != nil {
			return err
		}
	}
	for label, f := range c.prefixes {
		if err := put(prefixKey+label, f); err != nil {
			return err
		}
	}
	if c.devices != nil {
		counts := make([]deviceCount, 0, len(c.devices))
		for d, n := range c.devices {
			counts = append(counts, deviceCount{d, n})
		}
		if err := put(deviceKey, counts); err != nil {
			return err
		}
	}
	gone := make([]string, len(c.gone))
	for i, s := range c.gone {
		gone[i] = s.key()
	}
	return store.Keep(records, gone)
}

// apply makes the change visible.
func (c *change) apply() {
	for s, r := range c.sessions {
		s.record = *r
	}
	for _, s := range c.added {
		c.state.insert(s)
	}
	for _, s := range c.gone {
		c.state.drop(s)
	}
	maps.Copy(c.state.prefixes, c.prefixes)
	if c.devices != nil {
		c.state.devices = c.devices
	}
}

func (s *state) drop(gone *session) {
	list := s.rooms[gone.Room]
	for i := range list {
		if list[i] == gone {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(s.rooms, gone.Room)
		return
	}
	s.rooms[gone.Room] = list
}
