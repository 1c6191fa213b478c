package quality

import (
	"context"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
)

// forgetful is a store that keeps nothing.
type forgetful struct{}

func (forgetful) Records() iter.Seq2[Record, error] { return func(func(Record, error) bool) {} }
func (forgetful) Keep([]Record, []string) error     { return nil }

// listing is a [Lister] of one room.
type listing []whereby.RoomSession

func (l listing) Sessions(context.Context, string, time.Time, time.Time) (whereby.SessionList, error) {
	return whereby.SessionList{Sessions: l, Requests: 1}, nil
}

// TestNobodyIsLostOfSessionsThatWereNotRead has polls and listings of one room, which show
// its sessions at different moments. Whatever was seen of each, all participants are
// counted as skipped once it is too late to read them.
func TestNobodyIsLostOfSessionsThatWereNotRead(t *testing.T) {
	const room = "/acme-1"
	// at is a time of the day in minutes.
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	// poll shows the room's last session, and how many sessions and participants it had.
	poll := func(last int, sessions, participants int64) func(*Sampler) {
		return func(s *Sampler) {
			s.Offer([]whereby.Room{{
				Name: room, LastSessionStartedAt: at(last),
				Sessions: sessions, Usage: whereby.Usage{UniqueParticipants: participants},
			}})
		}
	}
	row := func(id string, began, ended int, participants int64) whereby.RoomSession {
		s := whereby.RoomSession{ID: id, RoomName: room, StartedAt: at(began), Usage: whereby.Usage{UniqueParticipants: participants}}
		if ended > 0 {
			s.EndedAt = at(ended)
		}
		return s
	}
	list := func(rows ...whereby.RoomSession) func(*Sampler) {
		return func(s *Sampler) {
			s.config.Lister = listing(rows)
			t := s.state.rooms[room][0]
			if err := s.list(context.Background(), t, room, time.Unix(t.Start, 0)); err != nil {
				panic(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		steps                  []func(*Sampler)
		participants, sessions int64
	}{
		"no listing": {
			[]func(*Sampler){poll(0, 1, 2), poll(20, 2, 5)}, 5, 2,
		},
		"a session that nobody was seen in has two": {
			[]func(*Sampler){poll(0, 1, 2), poll(20, 3, 2)}, 6, 3,
		},
		"people come after the session was listed": {
			[]func(*Sampler){poll(0, 1, 2), list(row("a", 0, 0, 2)), poll(0, 1, 5)}, 5, 1,
		},
		"a listing shows the next session before a poll does, and people come after": {
			[]func(*Sampler){poll(0, 1, 2), list(row("b", 6, 0, 3), row("a", 0, 5, 2)), poll(6, 2, 7)}, 7, 2,
		},
		"a listing shows a session that no poll ever does": {
			[]func(*Sampler){poll(0, 1, 2), list(row("b", 6, 0, 3), row("a", 0, 5, 2)), poll(20, 3, 9)}, 9, 3,
		},
		"a listing finds a session that polls missed, and people come after to the next": {
			[]func(*Sampler){
				poll(0, 1, 2), poll(20, 3, 6),
				list(row("c", 20, 0, 1), row("b", 6, 10, 3), row("a", 0, 5, 2)), poll(20, 3, 9),
			}, 9, 3,
		},
		"a listing lacks a session that polls missed": {
			[]func(*Sampler){poll(0, 1, 2), poll(20, 3, 6), list(row("c", 20, 0, 1), row("a", 0, 5, 2)), poll(20, 3, 9)}, 9, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(start.Add(30 * time.Minute)))
				s, err := Open(Config{Store: forgetful{}, Label: func(string) string { return "acme-" }, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				for _, step := range tc.steps {
					step(s)
				}
				time.Sleep(horizon + time.Hour)
				s.expire(time.Now())
				got := s.View().Prefixes
				if len(got) != 1 || got[0].Skipped != tc.participants || got[0].SessionsSkipped != tc.sessions {
					t.Errorf("skipped %+v; want %d participants of %d sessions", got, tc.participants, tc.sessions)
				}
				if n := s.Kept(); n > 0 {
					t.Errorf("%d sessions are still kept", n)
				}
			})
		})
	}
}
