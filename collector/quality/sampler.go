package quality

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

const (
	// horizon is how long after its end a session may be read.
	horizon = 24 * time.Hour
	// settle is how long after its end a session may still grow in Insights, as
	// documented.
	settle = 15 * time.Minute
	// again is when a session that could not be read is tried next.
	again = 30 * time.Minute
	// pause is how long nothing is read after an error that is not specific to a session.
	pause = time.Minute
	// sweep is how often sessions that are too old to read are removed.
	sweep = time.Minute
	// admission is the age up to which a session is added: a little less than horizon, so
	// that a session just forgotten does not come back.
	admission = horizon - time.Minute
)

// Lister lists the sessions of a room that began at a time or later, in any order. One is
// known to have begun at latest. It is no error if the room is no longer listed.
type Lister interface {
	Sessions(ctx context.Context, roomName string, since, latest time.Time) (whereby.SessionList, error)
}

// Config configures a [Sampler].
type Config struct {
	// Client reads participants, Lister sessions. Both spend points that nobody else
	// needs.
	Client *whereby.Client
	Lister Lister
	Store  Store
	// Label returns the label room_prefix of a room.
	Label func(roomName string) string
	// PoorAfter is how long loss must be sustained for a participant to be poor; 0 is
	// DefaultPoorAfter.
	PoorAfter time.Duration
	// OnSample, unless nil, is called with each participant once it is counted.
	OnSample func(label string, m Measurement)
	// OnStoreError, unless nil, is called if something could not be stored.
	OnStoreError func()
	// Now returns the time; nil means [time.Now].
	Now    func() time.Time
	Logger *slog.Logger
}

// Sampler reads participants, and is safe for concurrent use. Make one with [Open].
type Sampler struct {
	config Config
	log    *slog.Logger
	kick   chan struct{}

	// changing is held while something is changed, including the write to the store;
	// visible only while the change is made in memory, and by readers.
	changing sync.Mutex
	visible  sync.RWMutex
	state    *state
	queue    *queue
	// poorAfter is as in Config.
	poorAfter time.Duration
	// failing is true from an error until something is read, unkept from a change that
	// could not be stored until one is.
	failing, unkept bool
}

// Open continues from what the store has. It starts nothing.
func Open(c Config) (*Sampler, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	state, err := load(c.Store)
	if err != nil {
		return nil, err
	}
	s := &Sampler{config: c, log: c.Logger, kick: make(chan struct{}, 1), state: state, queue: newQueue()}
	s.SetPoorAfter(c.PoorAfter)
	for room, list := range state.rooms {
		for _, known := range list {
			if !known.Done {
				s.queue.add(known, c.Label(room), s.due(known))
			}
		}
	}
	return s, nil
}

// SetPoorAfter changes Config.PoorAfter for participants yet to be read.
func (s *Sampler) SetPoorAfter(d time.Duration) {
	s.visible.Lock()
	defer s.visible.Unlock()
	if s.poorAfter = d; d <= 0 {
		s.poorAfter = DefaultPoorAfter
	}
}

// Run reads until the context is done, and returns nil then.
func (s *Sampler) Run(ctx context.Context) error {
	var swept time.Time
	for ctx.Err() == nil {
		now := s.config.Now()
		if now.Sub(swept) >= sweep {
			swept = now
			s.expire(now)
		}
		read, wait := s.next(now)
		if read == nil {
			s.wait(ctx, wait, s.kick)
			continue
		}
		err := read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if !s.failing {
				s.log.Warn("reading call quality failed; it is retried from time to time", "err", err)
			}
			s.failing = true
			s.wait(ctx, pause, nil)
			continue
		}
		if s.failing {
			s.log.Info("reading call quality succeeded again")
		}
		s.failing = false
	}
	return nil
}

func (s *Sampler) wait(ctx context.Context, d time.Duration, kick <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-kick:
	}
}

// next returns the request to make now, or nil and how long to wait. An error of the
// request concerns all sessions.
func (s *Sampler) next(now time.Time) (read func(context.Context) error, wait time.Duration) {
	s.changing.Lock()
	defer s.changing.Unlock()
	t, at := s.queue.next(now)
	switch {
	case t == nil && at.IsZero():
		return nil, sweep
	case t == nil:
		return nil, min(sweep, at.Sub(now))
	case t.ID == "" || t.Ended == 0:
		room, start := t.Room, time.Unix(t.Start, 0)
		return func(ctx context.Context) error { return s.list(ctx, t, room, start) }, 0
	case !t.listed:
		id := t.ID
		return func(ctx context.Context) error { return s.participants(ctx, t, id) }, 0
	}
	session, participant := t.ID, t.pending[0]
	return func(ctx context.Context) error { return s.participant(ctx, t, session, participant) }, 0
}

// list reads the sessions of a room.
func (s *Sampler) list(ctx context.Context, t *session, room string, start time.Time) error {
	list, err := s.config.Lister.Sessions(ctx, room, s.config.Now().Add(-horizon), start)
	s.changing.Lock()
	defer s.changing.Unlock()
	s.queue.charge(t, max(1, list.Requests))
	if err != nil {
		return s.putOff(t, err)
	}
	now := s.config.Now()
	queue := t.queue
	c := s.state.change()
	found := s.take(c, room, list.Sessions, now)
	if !found[t] {
		s.finish(c, t) // Insights no longer shows it
	}
	if err := s.commit(c); err != nil {
		return err
	}
	for _, known := range s.state.rooms[room] {
		s.enqueue(known, now)
	}
	queue.restore()
	return nil
}

// participants reads the participants of a session.
func (s *Sampler) participants(ctx context.Context, t *session, id string) error {
	seen := map[string]bool{}
	var ids []string
	requests := 0
	query := whereby.ParticipantsQuery{RoomSessionID: id}
	var failed error
	for page, err := range s.config.Client.Participants(ctx, query) {
		requests++
		if err != nil {
			failed = err
			break
		}
		for _, row := range page.Rows {
			// People who came back are listed again, and are read once.
			if !seen[row.ID] && whereby.IsPerson(row.Role) {
				seen[row.ID] = true
				ids = append(ids, row.ID)
			}
		}
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.queue.charge(t, requests)
	if failed != nil {
		return s.putOff(t, failed)
	}
	t.expect(ids)
	if len(t.pending) > 0 {
		return nil
	}
	c := s.state.change()
	s.finish(c, t)
	return s.commit(c)
}

// participant reads one participant.
func (s *Sampler) participant(ctx context.Context, t *session, sessionID, id string) error {
	connections, err := s.config.Client.Participant(ctx, sessionID, id)
	if err != nil && !isOfOne(err) {
		return fmt.Errorf("sample a participant: %w", err)
	}
	m := Measure(connections)

	s.changing.Lock()
	defer s.changing.Unlock()
	if t.queue == nil {
		return nil // too late by now
	}
	s.queue.charge(t, 1)
	label := s.config.Label(t.Room)
	c := s.state.change()
	r := c.session(t)
	r.Read = append(r.Read, hash(id))
	figures := c.figures(label)
	if err != nil {
		s.log.Debug("a participant could not be read", "room", t.Room, "err", err)
		r.GivenUp++
		figures.Skipped++
	} else {
		r.Sampled++
		figures.sample(m, s.poorAfter, time.Unix(t.Ended, 0))
		figures.forget(s.config.Now())
		c.device(m.Device)
	}
	if len(t.pending) == 1 {
		s.finish(c, t)
	}
	if err := s.commit(c); err != nil {
		return err
	}
	t.pending = t.pending[1:]
	s.queue.reorder(t)
	if err == nil && s.config.OnSample != nil {
		s.config.OnSample(label, m)
	}
	return nil
}

// isOfOne reports whether an error is specific to what was requested, so others may succeed.
func isOfOne(err error) bool {
	var request *whereby.RequestError
	var malformed *whereby.MalformedError
	return errors.As(err, &request) || errors.As(err, &malformed)
}

// putOff postpones a session if the error is specific to it, and returns the error
// otherwise.
func (s *Sampler) putOff(t *session, err error) error {
	if !isOfOne(err) {
		return fmt.Errorf("sample a session: %w", err)
	}
	s.log.Debug("a session could not be read", "room", t.Room, "err", err)
	s.queue.postpone(t, s.config.Now().Add(again))
	return nil
}

// finish notes that nothing more of a session needs to be read.
func (s *Sampler) finish(c *change, t *session) {
	figures := c.figures(s.config.Label(t.Room))
	figures.Skipped += t.skippedOf(c.session(t))
	r := c.session(t)
	r.Done = true
	if r.Sampled > 0 {
		figures.SessionsSampled++
	} else {
		figures.SessionsSkipped++
	}
}

// expire forgets sessions that are too old to read, or that were read long ago.
func (s *Sampler) expire(now time.Time) {
	s.changing.Lock()
	defer s.changing.Unlock()
	c := s.state.change()
	for _, list := range s.state.rooms {
		for _, t := range list {
			if t.expires().After(now) {
				continue
			}
			if !t.Done {
				s.finish(c, t)
			}
			if t.Unseen > 0 {
				figures := c.figures(s.config.Label(t.Room))
				figures.SessionsSkipped += t.Unseen
				figures.Skipped += t.unseenParticipants()
			}
			delete(c.sessions, t)
			c.gone = append(c.gone, t)
		}
	}
	_ = s.commit(c) // commit has logged the error, and the next sweep tries again
}

// commit makes a change durable, and then visible.
func (s *Sampler) commit(c *change) error {
	if c.empty() {
		return nil
	}
	if err := c.keep(s.config.Store); err != nil {
		if s.config.OnStoreError != nil {
			s.config.OnStoreError()
		}
		if !s.unkept {
			s.log.Warn("storing call quality failed; it is not counted until a retry succeeds", "err", err)
		}
		s.unkept = true
		return fmt.Errorf("keep what was read of call quality: %w", err)
	}
	s.unkept = false
	s.visible.Lock()
	defer s.visible.Unlock()
	c.apply()
	for _, t := range c.gone {
		s.queue.remove(t)
	}
	for t := range c.sessions {
		if t.Done {
			s.queue.remove(t)
		}
	}
	return nil
}
