package poller

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// proofs is the number of polls of a kind in a row that must find the order broken. A single one
// may have read an account that moved, or a wrong response.
const proofs = 3

// knowledge is what the polls of this process know about the account.
type knowledge struct {
	// growing are the rooms that may be rising still.
	growing growing
	// marks are pages to start from.
	marks []mark
	// wide is when the last poll that looked far back began.
	wide time.Time
	// sortRefused and exactRefused are when Insights last refused to sort by last session,
	// and to look up a room by name.
	sortRefused, exactRefused time.Time
	// missed is when to request missed rooms again, if requests for some of them failed.
	missed pause
	// broken counts the polls in a row that found the order broken.
	broken map[Kind]int
	// inDoubt is true from then on until a full poll has checked the order.
	inDoubt bool
	// unsorted is true once the log says that polls cannot stop early.
	unsorted bool
}

// pause is when to continue, and how long the pause was.
type pause struct {
	until time.Time
	next  time.Duration
}

func newKnowledge() knowledge {
	return knowledge{growing: growing{rooms: map[string]growth{}}, marks: []mark{{}}, broken: map[Kind]int{}}
}

// learn records what a successful poll saw.
func (p *Poller) learn(w *walk, wide bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := &p.knowledge
	k.growing.note(w.sightings, w.result.Started, w.result.Ended)
	k.marks = thin(w.marks)
	if wide && w.result.Started.After(k.wide) {
		k.wide = w.result.Started
	}
}

func (p *Poller) growingRooms() map[string]growth {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.knowledge.growing.rooms)
}

func (p *Poller) marksNow() []mark {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.knowledge.marks)
}

// wideDue reports whether a poll has to look far back.
func (p *Poller) wideDue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return lately(p.knowledge.growing.crowded, settled) || !lately(p.knowledge.wide, wideEvery)
}

// lately reports whether something happened less than a duration ago.
func lately(at time.Time, d time.Duration) bool { return !at.IsZero() && time.Since(at) < d }

// sortRefused reports whether Insights refused to sort so recently that another attempt is not
// worth a request.
func (p *Poller) sortRefused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return lately(p.knowledge.sortRefused, p.config.FullPollInterval)
}

func (p *Poller) noteSortRefused(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.knowledge.sortRefused = time.Now()
	if !p.knowledge.unsorted {
		p.knowledge.unsorted = true
		p.log.Warn("Insights refuses to sort rooms by their last session, so every poll reads the whole account", "err", err)
	}
}

// exactRefused reports whether Insights recently refused to look up a room. Rising rooms far
// down the list then wait for a poll that reads that far, and missed rooms wait for the next
// full poll.
func (p *Poller) exactRefused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return lately(p.knowledge.exactRefused, p.config.FullPollInterval)
}

func (p *Poller) noteExactRefused(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	level := slog.LevelWarn
	if !p.knowledge.exactRefused.IsZero() {
		level = slog.LevelDebug // the log has it
	}
	p.knowledge.exactRefused = time.Now()
	p.log.Log(context.Background(), level, "Insights refuses to look up a room by name, so long sessions are counted later, and periods may never be final", "err", err)
}

// judge records whether a poll found the rooms in order, and reports whether polls may stop
// early. Once that was shown, a single poll does not disprove it.
func (p *Poller) judge(kind Kind, holds, shown bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := &p.knowledge
	if holds {
		k.broken[kind] = 0
		if kind == Full {
			clear(k.broken)
			k.inDoubt, k.unsorted = false, false
		}
		return true
	}
	k.broken[kind]++
	k.inDoubt = true
	if shown && k.broken[kind] < proofs {
		p.log.Debug("rooms were not in the order of their last sessions; a full poll will check", "kind", kind)
		return true
	}
	if !k.unsorted {
		p.log.Warn("Insights does not sort rooms by their last session as asked, so every poll reads the whole account")
	}
	k.unsorted = true
	return false
}

// inDoubt reports whether a poll found the order broken, and no full poll has found it in
// order since.
func (p *Poller) inDoubt() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.knowledge.inDoubt
}
