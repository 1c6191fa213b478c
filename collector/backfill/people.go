package backfill

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"whereby_exporter/whereby"
)

// stay is when somebody was in a room, in milliseconds since 1970.
type stay struct{ joined, left int64 }

// listPeople lists the participants of every session of the history that has not been
// read yet. Sessions are numbered by their position in the work file, which is complete.
func (r *runner) listPeople(ctx context.Context, attempts []int64) error {
	total := 0
	if err := r.work.sessions(attempts, func(int, session) error { total++; return nil }); err != nil {
		return err
	}
	done := make([]bool, total)
	known := int64(0)
	length, err := scan(r.work.path(peopleFile), func(b []byte) error {
		in := &reader{b: b}
		i := in.int()
		if in.err != nil || i < 0 || i >= int64(total) {
			return errShort
		}
		if !done[i] {
			done[i] = true
			known++
		}
		return nil
	})
	if err != nil {
		return r.work.explain(err)
	}
	out, err := openFrames(r.work.path(peopleFile), length)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	r.progress.begin("sessions' participants", int64(total))
	r.progress.done(known)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.workers)
	i := -1
	err = r.work.sessions(attempts, func(_ int, s session) error {
		i++
		if done[i] {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		number := int64(i)
		group.Go(func() error {
			if err := r.listStays(ctx, out, number, s); err != nil {
				return err
			}
			r.progress.done(1)
			return nil
		})
		return nil
	})
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	return errors.Join(err, out.close())
}

// listStays lists the people of one session.
func (r *runner) listStays(ctx context.Context, out *frames, number int64, s session) error {
	for {
		stays, known, err := r.readStays(ctx, s)
		if err == nil {
			r.succeeded()
			b := appendInts(nil, number, known)
			for _, stay := range stays {
				b = appendInts(b, stay.joined, stay.left)
			}
			return out.append(b)
		}
		if again := r.patience(ctx, err); again != nil {
			return again
		}
	}
}

// readStays returns the people of a session, without machines. known is 0 if Insights
// refuses to list them, or if somebody's row cannot be read.
func (r *runner) readStays(ctx context.Context, s session) (stays []stay, known int64, err error) {
	for p, err := range whereby.Rows(r.client.Participants(ctx, whereby.ParticipantsQuery{RoomSessionID: s.id})) {
		var request *whereby.RequestError
		if errors.As(err, &request) || whereby.UnusableRows(err) {
			return nil, 0, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("list the participants of a session: %w", err)
		}
		if !whereby.IsPerson(p.Role) || p.JoinedAt.IsZero() {
			continue
		}
		left := s.end // for people whose leaving time Insights does not know
		if !p.LeftAt.IsZero() {
			left = p.LeftAt.UnixMilli()
		}
		if joined := p.JoinedAt.UnixMilli(); joined < left {
			stays = append(stays, stay{joined, left})
		}
	}
	return stays, 1, nil
}

// stays calls do with the stays of each session and the session's number.
func (w *work) stays(do func(number int64, known bool, stays []stay) error) error {
	var stays []stay
	_, err := scan(w.path(peopleFile), func(b []byte) error {
		in := &reader{b: b}
		number, known := in.int(), in.int() == 1
		stays = stays[:0]
		for len(in.b) > 0 {
			stays = append(stays, stay{in.int(), in.int()})
		}
		if in.err != nil {
			return in.err
		}
		return do(number, known, stays)
	})
	return w.explain(err)
}
