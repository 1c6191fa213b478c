package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/durable/durabletest"
	"whereby_exporter/whereby"
)

// These tests run the event log on a file system that fails, and hold that every event that
// was acknowledged counts once.

const storage = "/data"

var eventsDir = filepath.Join(storage, "events")

// exhaustively is what a test does more of in the second tier.
func exhaustively(first, second int) int {
	if os.Getenv("EXHAUSTIVE") == "all" {
		return second
	}
	return first
}

// once is a state in which an event counts once, as in the tracker.
type once struct{ ids }

func (s *once) Apply(event whereby.Event, segment string, arrived time.Time) {
	if !slices.Contains(s.applied, event.ID) {
		s.ids.Apply(event, segment, arrived)
	}
}

// account is Whereby and an exporter that may die.
type account struct {
	t     *testing.T
	fsys  *durabletest.FS
	log   *EventLog // nil if it could not be opened
	state *once
	acked []string
	sent  int
}

func newAccount(t *testing.T) *account {
	return &account{t: t, fsys: durabletest.New(storage)}
}

// start starts the exporter. The one before was killed, if there was one.
func (a *account) start() error {
	a.state = &once{}
	var err error
	a.log, err = openEventLog(a.fsys, eventsDir, a.state, slog.New(slog.DiscardHandler))
	return err
}

// deliver sends further events at once, and again if they are refused, but not forever.
func (a *account) deliver(n int) {
	var waiting []whereby.Event
	for range n {
		waiting = append(waiting, whereby.Event{ID: fmt.Sprint("e", a.sent), Type: whereby.SessionStarted, CreatedAt: time.Now()})
		a.sent++
	}
	for try := 0; a.log != nil && try < 3 && len(waiting) > 0; try++ {
		receiver := NewReceiver(a.state, a.log, time.Now)
		results := make([]chan error, len(waiting))
		hang := make(chan struct{})
		a.fsys.Hang = hang
		for i, event := range waiting {
			results[i] = make(chan error, 1)
			go func() { results[i] <- receiver.Accept(a.t.Context(), event) }()
			time.Sleep(time.Second) // by the bubble's clock: far longer than a batch waits for more
			synctest.Wait()         // the first is being written, the others wait together
		}
		a.fsys.Hang = nil
		close(hang)
		var refused []whereby.Event
		for i, result := range results {
			if <-result == nil {
				a.acked = append(a.acked, waiting[i].ID)
			} else {
				refused = append(refused, waiting[i])
			}
		}
		waiting = refused
	}
}

func (a *account) save() {
	if a.log != nil {
		_ = a.log.Save() // it is tried again a minute later
	}
}

// live is some minutes with a restart in them.
func (a *account) live() {
	_ = a.start()
	a.deliver(1)
	a.deliver(3)
	a.save()
	a.deliver(1)
	a.deliver(2)
	a.save()
	a.deliver(1)
	for range 3 { // as an operator does
		if a.start() == nil {
			break
		}
	}
	a.deliver(2)
	a.save()
	a.deliver(3)
}

// missing are acknowledged events that do not count.
func (a *account) missing() (ids []string) {
	for _, id := range a.acked {
		if !slices.Contains(a.state.applied, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// faults are what may happen in a call.
func faults(call durabletest.Call) map[string]durabletest.Fault {
	all := map[string]durabletest.Fault{
		"fails":         {Err: durabletest.ErrInjected},
		"fails late":    {Err: durabletest.ErrInjected, Done: max(1, call.Bytes)},
		"no space left": {Err: syscall.ENOSPC},
		"killed before": {Err: durabletest.ErrInjected, Dead: true},
		"killed after":  {Dead: true},
	}
	if call.Op == durabletest.Write {
		step := max(1, call.Bytes/exhaustively(3, call.Bytes))
		for done := step; done < call.Bytes; done += step {
			all[fmt.Sprint("torn at ", done)] = durabletest.Fault{Err: syscall.ENOSPC, Done: done}
			all[fmt.Sprint("killed at ", done)] = durabletest.Fault{Err: syscall.ENOSPC, Done: done, Dead: true}
		}
	}
	return all
}

// TestNoFaultLosesAnAcknowledgedEvent has each call fail in each way, once or from then on
// for a while, and then the process be killed or the power fail.
func TestNoFaultLosesAnAcknowledgedEvent(t *testing.T) {
	var calls []durabletest.Call
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.fsys.Fault = func(c durabletest.Call) durabletest.Fault {
			calls = append(calls, c)
			return durabletest.Fault{}
		}
		a.live()
		if len(a.acked) != a.sent || len(a.missing()) > 0 {
			t.Fatalf("without a fault %d of %d events were acknowledged", len(a.acked), a.sent)
		}
	})
	endings := uint64(exhaustively(3, 6))
	lengths := []int{1, 3}
	if os.Getenv("EXHAUSTIVE") == "all" {
		lengths = []int{1, 2, 3, 5, 1000}
	}
	runs := 0
	for _, call := range calls {
		for what, fault := range faults(call) {
			for _, length := range lengths {
				for ending := range endings {
					runs++
					name := fmt.Sprintf("call %d, %s of %s, %s, %d long, ending %d", call.N, call.Op, filepath.Base(call.Path), what, length, ending)
					synctest.Test(t, func(t *testing.T) { afterAFault(t, name, call, fault, length, ending) })
					if t.Failed() {
						return
					}
				}
			}
		}
	}
	t.Logf("%d runs over %d calls", runs, len(calls))
}

func afterAFault(t *testing.T, name string, call durabletest.Call, fault durabletest.Fault, length int, ending uint64) {
	a := newAccount(t)
	a.fsys.Fault = func(c durabletest.Call) durabletest.Fault {
		switch {
		case c.N == call.N:
			return fault
		case c.N > call.N && c.N < call.N+length:
			return durabletest.Fault{Err: fault.Err, Done: min(fault.Done, c.Bytes/2)}
		}
		return durabletest.Fault{}
	}
	a.live()
	random := rand.New(rand.NewPCG(uint64(call.N), ending))
	const (
		killed     = 0 // both times
		killedOnce = 1 // and then the power fails, before a state is saved
	)
	for restart := range 2 {
		a.fsys.Revive()
		// Without the fault events are taken again, by the same process if it lives.
		if a.log != nil && restart == 0 && !fault.Dead {
			before := len(a.acked)
			a.deliver(1)
			if len(a.acked) == before {
				t.Errorf("%s: no event is taken once the disk works", name)
			}
		}
		if ending > killedOnce || ending == killedOnce && restart > 0 {
			a.fsys.LosePower(random)
		}
		if err := a.start(); err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if lost := a.missing(); len(lost) > 0 {
			t.Errorf("%s: %q were acknowledged and are lost; there are %q in %q", name, lost, a.state.applied, a.fsys.Paths())
			return
		}
		if slices.Contains(a.fsys.Paths(), durable.Temporary(filepath.Join(eventsDir, StateFile))) {
			t.Errorf("%s: the rest of a save is left", name)
		}
		before := len(a.acked)
		a.deliver(2)
		if ending != killedOnce {
			a.save()
		}
		a.deliver(1)
		if len(a.acked) != before+3 {
			t.Errorf("%s: events are refused after a restart", name)
		}
	}
}

// TestASaveThatFailsLeavesSpaceForEvents has a disk with less space than a save takes.
func TestASaveThatFailsLeavesSpaceForEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		if err := a.start(); err != nil {
			t.Fatal(err)
		}
		a.deliver(3)
		a.fsys.SetSpace(450)
		a.state.applied = append(a.state.applied, strings.Repeat("x", 1000)) // a large state
		for range 100 {
			if err := a.log.Save(); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the error of the save is %v", err)
			}
		}
		a.deliver(1)
		if len(a.acked) != 4 {
			t.Errorf("no space is left for an event; there are %q", a.fsys.Paths())
		}
	})
}

// TestDamageIsToldAndHasAWayOut flips a bit in each byte of each file, zeros the file from
// there, cuts it there, and deletes the file. The events count, or the error names the file
// and what to do.
func TestDamageIsToldAndHasAWayOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.live()
		for _, path := range a.fsys.Paths() {
			content := a.fsys.Content(path)
			for at := 0; at < len(content); at += exhaustively(7, 1) {
				flipped := bytes.Clone(content)
				flipped[at] ^= 1 << (at % 8)
				zeroed := append(bytes.Clone(content[:at]), make([]byte, len(content)-at)...)
				for what, damaged := range map[string][]byte{"flipped": flipped, "zeroed": zeroed, "cut": content[:at]} {
					a.afterDamage(fmt.Sprintf("%s %s at %d", path, what, at), path, damaged)
				}
			}
			a.afterDamage(path+" is gone", path, nil)
		}
	})
}

// whole reports whether a file ends after a frame.
func whole(content []byte) bool {
	r := durable.NewReader("", bytes.NewReader(content))
	for {
		if _, err := r.Next(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// afterDamage starts with a file that holds something else.
func (a *account) afterDamage(name, path string, content []byte) {
	b := &account{t: a.t, fsys: a.fsys.Clone(), acked: slices.Clone(a.acked), sent: a.sent}
	if content == nil {
		b.fsys.Delete(path)
	} else {
		b.fsys.Put(path, content)
	}
	err := b.start()
	var damaged *durable.DamagedError
	switch {
	case err == nil:
		// What is at the end cannot be told from a write that was not finished, which is
		// told; each write of this account has three events at most. Nor can a newest file
		// that is gone or ends after a record be told from one that never had more.
		if lost := b.missing(); len(lost) > 0 && (b.log.Repairs() == 0 || len(lost) > 3) && !whole(content) {
			a.t.Errorf("%s: %q are lost, after %d repairs", name, lost, b.log.Repairs())
		}
	case !errors.As(err, &damaged) || !strings.Contains(err.Error(), damaged.Path):
		a.t.Errorf("%s: %v", name, err)
		return
	case strings.Contains(err.Error(), "append .skip to its name"):
		content := b.fsys.Content(damaged.Path)
		b.fsys.Delete(damaged.Path)
		b.fsys.Put(damaged.Path+".skip", content)
	case strings.Contains(err.Error(), "put an empty file with .skip after its name in its place"):
		b.fsys.Put(damaged.Path+".skip", nil)
	case strings.Contains(err.Error(), "move the directory "+eventsDir+" away"):
		b.fsys = durabletest.New(storage)
	default:
		a.t.Errorf("%s: %v", name, err)
		return
	}
	if err := b.start(); err != nil {
		a.t.Errorf("%s: after what was said to be the way out: %v", name, err)
		return
	}
	before := len(b.acked)
	b.deliver(2)
	b.save()
	b.deliver(1)
	b.acked = b.acked[before:]
	if err := b.start(); err != nil || len(b.acked) != 3 || len(b.missing()) > 0 {
		a.t.Errorf("%s: after the way out %q were taken, %q are missing, %v", name, b.acked, b.missing(), err)
	}
}
