package poller

import (
	"context"
	"time"

	"whereby_exporter/collector/ledger"
)

const (
	// wideReach is how far a poll looks back from time to time: for sessions that came late,
	// and those that were silent for hours before they rose.
	wideReach = 24 * time.Hour
	// wideEvery is the time between two such polls.
	wideEvery = 15 * time.Minute
)

// short is a poll that stops where nothing can have changed.
type short struct {
	walk
	// cutoff is the start of a last session before which rooms are taken to have changed
	// only if they are known to be rising.
	cutoff int64
	wide   bool
}

func (p *Poller) newShort(state ledger.State) *short {
	s := &short{walk: p.newWalk(Short, state), wide: p.wideDue()}
	s.client = p.client
	reach := settled
	if s.wide {
		reach = wideReach
	}
	s.cutoff = ledger.Seconds(state.PollStarted.Add(-reach))
	return s
}

// run reads pages until one that is known and from before the cutoff, and then the rooms
// further down that are rising.
func (s *short) run(ctx context.Context) error {
	if err := s.fromMarks(ctx, s.poller.marksNow(), s.next); err != nil {
		return err
	}
	if s.result.Complete {
		return nil
	}
	return s.ask(ctx)
}

func (s *short) next(page listed) (bool, error) {
	if page.Last {
		s.result.Complete = s.fromTop
		return false, nil
	}
	// Rows out of order do not lead further: whether the order can still be relied on is
	// for a full poll in the background to find out.
	if page.report.Changed == 0 && s.order.dated && s.order.newest < s.cutoff &&
		!s.further(s.behind(s.cutoff, time.Now()), s.depth) {
		return false, nil
	}
	return true, s.checkEnd(page)
}

// ask reads the rooms that are rising and that the pages read did not have.
func (s *short) ask(ctx context.Context) error {
	for _, name := range s.behind(s.cutoff, time.Now()) {
		if s.poller.exactRefused() {
			return nil
		}
		there, err := s.askFor(ctx, name)
		switch {
		case refused(err):
			s.poller.noteExactRefused(err)
		case err != nil:
			return err
		default:
			s.asked[name] = there
		}
	}
	return nil
}
