package backfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"whereby_exporter/whereby"
)

// attempts is how often a room in use is read until its figures stop changing.
const attempts = 4

// The kinds of records in the file of sessions.
const (
	recordPage = 's'
	recordDone = 'd'
)

// session is one that belongs to the history. Times are in milliseconds since 1970.
type session struct {
	start int64
	figures
	// These two are set if participants are requested.
	id  string
	end int64
}

// listed is the result of listing a room's sessions.
type listed struct {
	room    int
	attempt int64 // names the pages that count
	// base is the part of the totals that exceeds the sessions, excess the part of the
	// sessions that exceeds the totals.
	base, excess figures
	outcome
}

// outcome is what there is to report about a room.
type outcome int64

const (
	// moving: the room was in use throughout, so its base may be too low.
	moving outcome = iota + 1
	// refused: Insights did not return all of its sessions.
	refused
	// unplaced: how much was used before the end and how much after is unknown.
	unplaced
)

// treatment is how a room's usage enters the history.
type treatment int

const (
	ignore     treatment = iota // it was never used, or not before the end
	allBefore                   // all of it is from before the start
	oneSession                  // its row says everything
	byListing                   // its sessions have to be listed
	allBase                     // it is gone, and the time of its usage is unknown
	leaveOut                    // it is gone, and was used after the end
)

// overBy returns the time by which a session was over if only its start and participant
// minutes are known. Somebody was there all the time, so it lasted no more than those
// minutes; and it ends some time after.
func overBy(start, minutes int64) int64 {
	return start + (time.Duration(minutes)*time.Minute + time.Hour).Milliseconds()
}

func (p period) treat(r room, people bool) treatment {
	over := overBy(r.last, r.figures[participantMinutes]) <= p.seam
	switch {
	case r.figures.add(r.lowered) == figures{} || r.first > p.seam:
		return ignore
	case r.last == 0:
		return allBase
	case r.last < p.start && over:
		return allBefore
	case r.gone && !over:
		return leaveOut
	case r.gone && r.figures[sessionCount] == 1:
		return oneSession
	case r.gone:
		return allBase
	case r.figures[sessionCount] == 1 && r.first == r.last && over && !people:
		return oneSession
	}
	return byListing
}

// listSessions lists the sessions of the rooms that need it and have not been listed.
func (r *runner) listSessions(ctx context.Context) error {
	var rooms []bool // by number: whether it waits
	waiting := int64(0)
	_, err := r.work.rooms(func(_ int, row room) error {
		wait := r.treat(row, r.Concurrency) == byListing
		if wait {
			waiting++
		}
		rooms = append(rooms, wait)
		return nil
	})
	if err != nil {
		return err
	}
	all := waiting
	length, err := scan(r.work.path(sessionsFile), func(b []byte) error {
		in := &reader{b: b[1:]}
		i, attempt := in.int(), in.int()
		if in.err == nil && (i < 0 || i >= int64(len(rooms))) {
			return errShort
		}
		r.attempt.Store(max(r.attempt.Load(), attempt))
		if b[0] == recordDone && rooms[i] {
			rooms[i] = false
			waiting--
		}
		return in.err
	})
	if err != nil {
		return r.work.explain(err)
	}
	out, err := openFrames(r.work.path(sessionsFile), length)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	r.progress.begin("rooms' sessions", all)
	r.progress.done(all - waiting)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.workers)
	_, err = r.work.rooms(func(i int, row room) error {
		if !rooms[i] {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		group.Go(func() error {
			if err := r.listRoom(ctx, out, i, row); err != nil {
				return err
			}
			r.progress.done(1)
			return nil
		})
		return nil
	})
	// A worker's own error comes first: it is why the others gave up.
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	return errors.Join(err, out.close())
}

// listRoom lists a room until its figures stop changing, and records the result.
func (r *runner) listRoom(ctx context.Context, out *frames, i int, row room) error {
	for {
		done, err := r.tryRoom(ctx, out, i, row)
		if err == nil {
			r.succeeded()
			b := appendInts([]byte{recordDone}, int64(i), done.attempt, int64(done.outcome))
			b = appendInts(b, done.base[:]...)
			return out.append(appendInts(b, done.excess[:]...))
		}
		if again := r.patience(ctx, err); again != nil {
			return again
		}
	}
}

func (r *runner) tryRoom(ctx context.Context, out *frames, i int, row room) (listed, error) {
	done := listed{room: i}
	totals, read := row.figures, row.read
	for n := 1; ; n++ {
		done.attempt, done.outcome = r.attempt.Add(1), 0
		sum, latest, err := r.readSessions(ctx, out, done, row)
		var request *whereby.RequestError
		if errors.As(err, &request) || whereby.UnusableRows(err) {
			// The pages that it did return count.
			r.Logger.Warn("Insights refuses to list a room's sessions", "room", row.name, "err", err)
			done.outcome = refused
		} else if err != nil {
			return done, err
		}
		gone := latest.StartedAt.IsZero()
		still := gone || !latest.EndedAt.IsZero() && latest.StartedAt.Unix() == row.last/1000 &&
			latest.EndedAt.Add(whereby.InsightsDelay).UnixMilli() < read
		if !still {
			// Totals read right after the sessions belong to them if they were the same right
			// before.
			asked := time.Now()
			now, ok, err := r.readTotals(ctx, row.name)
			if whereby.UnusableRows(err) {
				err, done.outcome = nil, refused // the totals from the list stand
			}
			if err != nil {
				return done, err
			}
			still = !ok || now == totals
			if !still && n < attempts {
				totals, read = now, asked.UnixMilli()
				continue
			}
		}
		done.base = totals.sub(sum).floor()
		done.excess = sum.sub(totals).floor()
		if !still {
			// The sessions were read after the totals, so they may well hold more.
			done.excess = figures{}
			done.outcome = cmp.Or(done.outcome, moving)
		}
		if gone && overBy(row.last, totals[participantMinutes]) > r.seam {
			done.base, done.outcome = figures{}, unplaced
		}
		done.base = done.base.add(row.lowered)
		return done, nil
	}
}

// readSessions writes those sessions of a room that belong to the history. It returns the
// sum of those and of later ones, and the latest of all.
func (r *runner) readSessions(ctx context.Context, out *frames, done listed, row room) (sum figures, latest whereby.RoomSession, err error) {
	seen := map[nameSum]struct{}{}
	for page, err := range r.lister.Pages(ctx, row.name, time.UnixMilli(r.start)) {
		if err != nil {
			return sum, latest, err
		}
		b := appendInts([]byte{recordPage}, int64(done.room), done.attempt)
		for _, s := range page {
			id := sumOf(s.ID)
			if _, ok := seen[id]; ok {
				continue
			}
			seen[id] = struct{}{}
			if s.StartedAt.After(latest.StartedAt) {
				latest = s
			}
			start, used := s.StartedAt.UnixMilli(), figuresOf(s.Usage, 1)
			if start < r.start {
				continue // part of the rest of the totals
			}
			sum = sum.add(used)
			end, over := r.ended(s)
			if !over {
				continue // the live counters add it
			}
			b = appendInts(b, start)
			b = appendInts(b, used[:]...)
			if r.Concurrency {
				b = appendInts(appendString(b, s.ID), end)
			}
		}
		if err := out.append(b); err != nil {
			return sum, latest, err
		}
	}
	return sum, latest, nil
}

// ended reports whether a session was over by the seam, and when.
func (p period) ended(s whereby.RoomSession) (end int64, over bool) {
	if s.EndedAt.IsZero() {
		end = overBy(s.StartedAt.UnixMilli(), s.ParticipantMinutes)
	} else {
		end = max(s.StartedAt.UnixMilli(), s.EndedAt.UnixMilli())
	}
	return end, end <= p.seam
}

// readTotals reads a room's lifetime totals; ok is false if it is gone.
func (r *runner) readTotals(ctx context.Context, name string) (totals figures, ok bool, err error) {
	for row, err := range whereby.Rows(r.client.Rooms(ctx, whereby.RoomsQuery{NameExact: name})) {
		if err != nil {
			return figures{}, false, fmt.Errorf("read a room's totals: %w", err)
		}
		if row := roomOf(row, time.Time{}); row.name == name {
			return row.figures, true, nil
		}
	}
	return figures{}, false, nil
}

// outcomes reads the results of the listings. excess holds only rooms that have one.
func (w *work) outcomes(rooms int, do func(listed)) (attempts []int64, excess map[int]figures, err error) {
	attempts, excess = make([]int64, rooms), map[int]figures{}
	_, err = scan(w.path(sessionsFile), func(b []byte) error {
		if b[0] != recordDone {
			return nil
		}
		in := &reader{b: b[1:]}
		done := listed{room: int(in.int()), attempt: in.int(), outcome: outcome(in.int())}
		for i := range done.base {
			done.base[i] = in.int()
		}
		for i := range done.excess {
			done.excess[i] = in.int()
		}
		if in.err != nil || done.room < 0 || done.room >= rooms {
			return errShort
		}
		attempts[done.room] = done.attempt
		if done.excess != (figures{}) {
			excess[done.room] = done.excess
		}
		do(done)
		return nil
	})
	return attempts, excess, w.explain(err)
}

// sessions calls do with the sessions of the listings that count, and their rooms' numbers.
func (w *work) sessions(attempts []int64, do func(room int, s session) error) error {
	_, err := scan(w.path(sessionsFile), func(b []byte) error {
		in := &reader{b: b[1:]}
		room, attempt := in.int(), in.int()
		if in.err != nil || room < 0 || room >= int64(len(attempts)) {
			return errShort
		}
		if b[0] != recordPage || attempts[room] != attempt {
			return nil
		}
		for len(in.b) > 0 {
			s := session{start: in.int()}
			for i := range s.figures {
				s.figures[i] = in.int()
			}
			if w.params.Concurrency {
				s.id, s.end = in.string(), in.int()
			}
			if in.err != nil {
				return in.err
			}
			if err := do(int(room), s); err != nil {
				return err
			}
		}
		return nil
	})
	return w.explain(err)
}
