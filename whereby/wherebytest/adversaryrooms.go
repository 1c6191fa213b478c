package wherebytest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"whereby_exporter/whereby"
)

// What a room of an [Adversary] is like.
const (
	roomUnused    = iota // never
	roomPermanent        // used all the time
	roomOnce             // has an end
	roomReused           // deleted, and made again under its name: see Adversary.Run
	roomKinds
)

// Furnish adds some dozens of rooms, with meetings in the first three fifths of the length;
// the rest is for Insights to catch up. The rooms belong to acme, globex and initech, and some
// were named by hand.
func (x *Adversary) Furnish(a *Account) {
	d := dice(mix(x.seed + 1))
	for n := range 40 + d.upTo(40) {
		kind := int(n % roomKinds)
		name := x.name(&d, kind)
		room := Room{Name: name, CreatedAt: x.before(&d)}
		if kind != roomUnused && d.chance(0.3) {
			room.Totals = Totals{Sessions: 1 + d.upTo(5), ParticipantMinutes: 10 + d.upTo(500), RecorderMinutes: d.upTo(50)}
			room.FirstSession = room.CreatedAt.Add(time.Hour)
			room.LastSession = room.FirstSession.Add(time.Hour)
		}
		until := x.begin.Add(x.length * 3 / 5)
		switch kind {
		case roomOnce:
			// Past its end at once, or in the course of things.
			room.EndAt = x.begin.Add(x.part(&d, 0.5, x.length) - x.length/8)
			until = room.EndAt.Add(whereby.EndGrace)
		case roomReused:
			until = x.begin.Add(x.length / 5)
			x.again = append(x.again, reuse{name, until.Add(x.length/2 + x.part(&d, 0.1, x.length))})
		}
		a.AddRoom(room)
		if kind != roomUnused {
			x.meet(&d, a, name, x.begin.Add(-x.part(&d, 0.2, 2*time.Hour)), until)
		}
		if last := until.Add(-whereby.EndGrace / 2); kind == roomOnce && x.People.Linger && last.After(x.begin) {
			x.linger(&d, a, name, last)
		}
	}
	slices.SortFunc(x.again, reuse.compare)
	if x.Transcribe {
		x.transcribe(a)
	}
	if x.Record {
		x.record(a)
	}
}

// before draws a time before the beginning, when a room was made.
func (x *Adversary) before(d *dice) time.Time {
	return x.begin.Add(-24*time.Hour - time.Duration(d.upTo(100))*time.Hour)
}

// name draws a room's name. A room that may be deleted has no odd rows: how it ended
// nobody could read.
func (x *Adversary) name(d *dice, kind int) string {
	for {
		name := "/" + []string{"acme-", "globex-", "initech-"}[d.upTo(3)] + uuid(d.roll(), 5)
		if d.chance(0.1) {
			name = fmt.Sprintf("/standup-%d", d.upTo(1_000_000))
		}
		if _, odd := x.odd.draw(name); !odd || kind == roomUnused || kind == roomPermanent {
			return name
		}
	}
}

// meet schedules meetings in a room, one after another.
func (x *Adversary) meet(d *dice, a *Account, name string, from, until time.Time) {
	for start := from; start.Before(until); {
		end := start.Add(time.Minute + x.part(d, 0.05, time.Hour))
		s := Session{Start: start, End: end}
		for range 2 + d.upTo(3) {
			p := Participant{Role: []string{"host", "visitor", "granted_visitor", "viewer", "member"}[d.upTo(5)]}
			p.Joined = start.Add(time.Duration(d.upTo(int64(end.Sub(start)/2))) / time.Millisecond * time.Millisecond)
			if d.chance(0.3) {
				p.Left = p.Joined.Add(end.Sub(p.Joined) / 2).Truncate(time.Millisecond)
			}
			s.Participants = append(s.Participants, p)
		}
		if d.chance(0.2) {
			s.Participants = append(s.Participants, Participant{Role: RoleRecorder})
		}
		gap := x.part(d, 0.2, 4*time.Hour)
		if x.People != (People{}) && !end.After(until) {
			x.behave(d, &s, gap)
		}
		a.Schedule(name, s)
		start = end.Add(gap)
	}
}

// linger has people meet in a room that has ended, until nobody may be in it.
func (x *Adversary) linger(d *dice, a *Account, name string, at time.Time) {
	a.Schedule(name, Session{Start: at, Participants: []Participant{
		{Role: whereby.RoleHost},
		{Joined: at.Add(time.Duration(1+d.upTo(60_000)) * time.Millisecond)},
	}})
}

// behave has people do what x.People says in a session, and in the gap after it.
func (x *Adversary) behave(d *dice, s *Session, gap time.Duration) {
	length := s.End.Sub(s.Start)
	some := func(most time.Duration) time.Duration { // in whole milliseconds
		return time.Duration(1+d.upTo(max(1, int64(most/time.Millisecond)))) * time.Millisecond
	}
	if x.People.Outlast && d.chance(0.5) {
		s.Outlasted = true
		s.Participants[0].Left = s.End.Add(some(gap / 2))
	}
	if x.People.Reconnect && d.chance(0.5) {
		if p := &s.Participants[1]; p.Left.IsZero() {
			p.Left = p.Joined.Add(some(s.End.Sub(p.Joined) / 2))
			s.Participants = append(s.Participants, Participant{Role: p.Role, Joined: p.Left, Replaces: true})
		}
	}
	if x.People.DialIn && d.chance(0.5) {
		s.Participants[d.upTo(2)].DialIn = true
	}
	if x.People.Crowd && d.chance(0.3) {
		for range 1 + d.upTo(20) {
			p := Participant{Joined: s.Start.Add(some(length / 2))}
			if d.chance(0.5) {
				p.Left = p.Joined.Add(some(length / 2))
			}
			s.Participants = append(s.Participants, p)
		}
	}
	if x.People.Assistants && d.chance(0.5) {
		s.Participants = append(s.Participants, Participant{
			Role: whereby.RoleAssistant, Joined: s.Start.Add(some(length / 2)), Left: s.End.Add(-some(length / 4)),
		})
	}
	if x.People.Knock && d.chance(0.7) {
		knocked := s.Start.Add(some(length / 2))
		if d.chance(0.5) {
			s.Participants = append(s.Participants, Participant{Knocked: knocked, Joined: knocked.Add(some(length / 4))})
		}
		gaveUp := s.End
		if s.Outlasted {
			gaveUp = s.End.Add(some(gap / 2))
		}
		s.Knocks = append(s.Knocks, Knock{At: s.Start.Add(some(length / 2)), GaveUp: gaveUp})
	}
}

// Run reuses the names of some rooms: it deletes the rooms, and creates others with the same
// names and some usage. It returns nil when nothing is left to do or the context is done.
// Furnish must have been called.
func (x *Adversary) Run(ctx context.Context, a *Account) error {
	d := dice(mix(x.seed + 2))
	for _, r := range x.again {
		if !sleep(ctx, time.Until(r.at)) {
			return nil
		}
		a.Delete(r.name)
		// A poll may or may not come in between.
		if !sleep(ctx, x.part(&d, 0.005, 5*time.Minute)) {
			return nil
		}
		a.AddRoom(Room{Name: r.name})
		now := time.Now()
		x.meet(&d, a, r.name, now, now.Add(time.Second))
	}
	return nil
}
