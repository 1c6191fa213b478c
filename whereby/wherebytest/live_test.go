package wherebytest_test

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// waitsOf works the waits out from what events say.
func waitsOf(events []wherebytest.Event) (knocks []wherebytest.KnockTruth, hosts []wherebytest.HostWaitTruth) {
	type meeting struct {
		people, waiting map[string]bool
		visitor, host   time.Time
	}
	rooms := map[string]*meeting{}
	knocked := map[string]time.Time{}
	for _, e := range events {
		m := rooms[e.RoomName]
		if m == nil {
			m = &meeting{people: map[string]bool{}, waiting: map[string]bool{}}
			rooms[e.RoomName] = m
		}
		first := func(at *time.Time) {
			if at.IsZero() {
				*at = e.CreatedAt
				if !m.visitor.IsZero() && !m.host.IsZero() {
					hosts = append(hosts, wherebytest.HostWaitTruth{RoomName: e.RoomName, Visitor: m.visitor, Host: m.host})
				}
			}
		}
		end := func(admitted bool) {
			if at, ok := knocked[e.ParticipantID]; ok {
				knocks = append(knocks, wherebytest.KnockTruth{
					RoomName: e.RoomName, ParticipantID: e.ParticipantID, Knocked: at, Ended: e.CreatedAt, Admitted: admitted,
				})
				delete(knocked, e.ParticipantID)
				delete(m.waiting, e.ParticipantID)
			}
		}
		switch e.Type {
		case whereby.ClientKnocked:
			knocked[e.ParticipantID] = e.CreatedAt
			m.waiting[e.ParticipantID] = true
			first(&m.visitor)
		case whereby.ClientKnockCancelled:
			end(false)
		case whereby.ClientJoined:
			end(true)
			if whereby.IsMachine(e.RoleName) {
				break
			}
			m.people[e.ParticipantID] = true
			switch e.RoleName {
			case "host", "owner", "member":
				first(&m.host)
			case "visitor", "granted_visitor", "viewer", "granted_viewer":
				first(&m.visitor)
			}
		case whereby.ClientLeft:
			delete(m.people, e.ParticipantID)
		}
		if len(m.people)+len(m.waiting) == 0 {
			m.visitor, m.host = time.Time{}, time.Time{}
		}
	}
	return knocks, hosts
}

func sortKnocks(all []wherebytest.KnockTruth) {
	slices.SortFunc(all, func(x, y wherebytest.KnockTruth) int {
		return cmp.Or(x.Ended.Compare(y.Ended), cmp.Compare(x.RoomName, y.RoomName), cmp.Compare(x.ParticipantID, y.ParticipantID))
	})
}

func TestWaitsAreThoseThatEventsTellOf(t *testing.T) {
	for seed := range uint64(20) {
		a := meetings(t, seed, 80)
		knocks, hosts := waitsOf(a.Events(day, at(24*time.Hour)))
		sortKnocks(knocks)
		if len(knocks) < 10 || len(hosts) < 10 {
			t.Errorf("only %d knocks and %d waits for hosts", len(knocks), len(hosts))
		}
		random := rand.New(rand.NewPCG(seed, 2))
		var gotKnocks []wherebytest.KnockTruth
		var gotHosts []wherebytest.HostWaitTruth
		for from := day; from.Before(at(24 * time.Hour)); {
			to := from.Add(1 + time.Duration(random.Int64N(int64(time.Hour))))
			gotKnocks = append(gotKnocks, a.Knocks(from, to)...)
			gotHosts = append(gotHosts, a.HostWaits(from, to)...)
			from = to
		}
		if !reflect.DeepEqual(gotKnocks, knocks) {
			t.Errorf("knocks\n%v\nwant\n%v", gotKnocks, knocks)
		}
		if !reflect.DeepEqual(gotHosts, hosts) {
			t.Errorf("waits for hosts\n%v\nwant\n%v", gotHosts, hosts)
		}
	}
}

func TestTheWaitsOfAMeeting(t *testing.T) {
	a := withRooms(3, wherebytest.Config{})
	a.Schedule(acme(1), consultation())
	knocks := a.Knocks(day, at(time.Hour))
	if len(knocks) != 2 || !knocks[0].Admitted || knocks[0].Wait() != 8*time.Minute || knocks[1].Admitted || knocks[1].Wait() != 4*time.Minute {
		t.Errorf("knocks %+v", knocks)
	}
	hosts := a.HostWaits(day, at(time.Hour))
	if len(hosts) != 1 || hosts[0].Wait() != 6*time.Minute {
		t.Errorf("waits for the host %+v, want 6 minutes from the knock", hosts)
	}
	if got := a.Live(at(5*time.Minute), prefixOf)["acme-"]; got.Waiting != 1 || got.People != 0 || got.Rooms != 0 {
		t.Errorf("with somebody at the door: %+v", got)
	}
	if got := a.Live(at(16*time.Minute), prefixOf)["acme-"]; got.Waiting != 1 || got.People != 2 || got.Rooms != 1 || got.Clients["recorder"] != 1 {
		t.Errorf("in the middle: %+v", got)
	}
	if got := a.Live(at(34*time.Minute), prefixOf)["acme-"]; got.People != 2 || got.PeopleMax != 3 {
		t.Errorf("after one has left: %+v", got)
	}
}

// What is true on a lagging account is what one without a lag shows.
func TestTrueMinutesAreWhatInsightsWouldShowWithoutALag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seed = 11
		t.Logf("seed %d", seed)
		lagging, prompt := wherebytest.New(wherebytest.Config{Lag: 12 * time.Minute}), wherebytest.New(wherebytest.Config{})
		both := func(do func(a *wherebytest.Account)) { do(lagging); do(prompt) }
		for i := range 8 {
			both(func(a *wherebytest.Account) {
				a.AddRoom(wherebytest.Room{Name: acme(i), Totals: wherebytest.Totals{ParticipantMinutes: int64(i)}})
			})
		}
		random := rand.New(rand.NewPCG(seed, 0))
		seconds := func(most int) time.Duration { return time.Duration(random.IntN(most*1000)) * time.Millisecond }
		behind := 0
		for range 500 {
			s := wherebytest.Session{Start: time.Now().Add(seconds(600))}
			s.End = s.Start.Add(time.Second + seconds(2400))
			for range random.IntN(6) {
				joined := s.Start.Add(seconds(int(s.End.Sub(s.Start)/time.Second)+1) - time.Minute)
				s.Participants = append(s.Participants, wherebytest.Participant{
					Joined: joined, Left: joined.Add(seconds(1200)), Role: []string{"host", "visitor", "recorder"}[random.IntN(3)],
				})
			}
			name := acme(random.IntN(8))
			both(func(a *wherebytest.Account) { a.Schedule(name, s) })
			if random.IntN(20) == 0 {
				used, minutes := acme(random.IntN(8)), random.Int64N(50)
				both(func(a *wherebytest.Account) {
					a.Use(used, wherebytest.Totals{ParticipantMinutes: minutes, Sessions: 1}, time.Now())
				})
			}
			time.Sleep(seconds(120))
			got, want := lagging.Minutes(prefixOf)["acme-"], prompt.Minutes(prefixOf)["acme-"]
			if got.True != want.Shown || want.True != want.Shown {
				t.Fatalf("%+v, and without a lag %+v", got, want)
			}
			if shown := lagging.Truth(prefixOf)["acme-"].ParticipantMinutes; got.Shown != shown {
				t.Fatalf("%+v, and Insights shows %d", got, shown)
			}
			if got.Shown < got.True {
				behind++
			}
		}
		time.Sleep(3 * time.Hour)
		if got := lagging.Minutes(prefixOf)["acme-"]; got.Shown != got.True || behind < 400 {
			t.Errorf("at the end %+v; Insights was behind %d times", got, behind)
		}
	})
}

// A reader of events can compute what Insights does not show yet.
func TestShownAndPendingMinutesAreTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at(8 * time.Hour)))
		a := wherebytest.New(wherebytest.Config{Lag: 10 * time.Minute})
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		begin := time.Now()
		s := consultation()
		s.ID = ""
		shift := begin.Sub(day)
		s.Start, s.End = s.Start.Add(shift), s.End.Add(shift)
		for i := range s.Participants {
			p := &s.Participants[i]
			for _, moment := range []*time.Time{&p.Knocked, &p.Joined, &p.Left} {
				if !moment.IsZero() {
					*moment = moment.Add(shift)
				}
			}
		}
		s.Knocks = nil
		a.Schedule(acme(1), s)
		minutes := func(from, to time.Time) int64 { return int64(math.Ceil(max(to.Sub(from), 1).Minutes())) }
		for range 120 {
			time.Sleep(30*time.Second + time.Millisecond)
			now := time.Now()
			var want int64
			started := false
			joins := map[string]time.Time{}
			for _, e := range a.Events(begin, now.Add(time.Millisecond)) {
				switch {
				case whereby.IsMachine(e.RoleName):
				case e.Type == whereby.SessionStarted:
					started = true
				case e.Type == whereby.ClientJoined:
					joins[e.ParticipantID] = e.CreatedAt
				case e.Type == whereby.ClientLeft:
					want += minutes(joins[e.ParticipantID], e.CreatedAt)
					delete(joins, e.ParticipantID)
				}
			}
			for _, joined := range joins {
				want += minutes(joined, now)
			}
			if !started {
				want = 0
			}
			if got := a.Minutes(prefixOf)["acme-"]; got.True != want {
				t.Errorf("after %v: %+v, the events say %d", now.Sub(begin), got, want)
			}
		}
		if got := a.Minutes(prefixOf)["acme-"]; got.Shown != got.True || got.True != 32+25+10 {
			t.Errorf("at the end %+v", got)
		}
	})
}

func TestDeletingARoomLeavesThoseWhoAreInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := wherebytest.New(wherebytest.Config{})
		begin := time.Now()
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		s := wherebytest.Session{Start: begin, End: begin.Add(10 * time.Minute), Participants: make([]wherebytest.Participant, 2)}
		a.Schedule(acme(1), s)
		time.Sleep(5 * time.Minute)
		a.Delete(acme(1))
		time.Sleep(4 * time.Minute)
		if got := a.Live(time.Now(), prefixOf)["acme-"]; got.People != 2 {
			t.Errorf("after the room was deleted: %+v", got)
		}
		if got, want := a.Minutes(prefixOf)["acme-"], (wherebytest.MinutesTruth{Shown: 10, True: 18}); got != want {
			t.Errorf("minutes %+v, want %+v", got, want)
		}
		a.AddRoom(wherebytest.Room{Name: acme(1)})
		s.Start = time.Now()
		a.Schedule(acme(1), s)
		ids := map[string]bool{}
		for _, e := range a.Events(begin, begin.Add(time.Hour)) {
			if e.Type == whereby.ClientJoined {
				ids[e.RoomSessionID+e.ParticipantID] = true
			}
		}
		if len(ids) != 4 {
			t.Errorf("%d participants in two lives of a room, want 4", len(ids))
		}
	})
}

// Bodies are what the documentation says, and what a receiver parses.
func TestEventBodiesKeepToTheSchema(t *testing.T) {
	room := []field{{"meetingId", text, false}, {"roomName", text, false}, {"subdomain", text, false}}
	client := []field{{"displayName", text, true}, {"participantId", text, false}, {"roomSessionId", text, true}, {"metadata", text, true}, {"externalId", text, true}}
	presence := slices.Concat(room, client, []field{
		{"roleName", text, false}, {"numClients", whole, false}, {"numClientsByRoleName", object, false}, {"isDialIn", flag, false},
	})
	transcription := slices.Concat(room, []field{
		{"transcriptionId", text, false}, {"type", text, false}, {"status", text, false}, {"durationInSeconds", whole, true}, {"error", text, true},
	})
	data := map[whereby.EventType][]field{
		whereby.ClientJoined:          presence,
		whereby.ClientLeft:            presence,
		whereby.ClientKnocked:         slices.Concat(room, client),
		whereby.ClientKnockCancelled:  slices.Concat(room, client),
		whereby.SessionStarted:        slices.Concat(room, []field{{"roomSessionId", text, true}}),
		whereby.SessionEnded:          slices.Concat(room, []field{{"roomSessionId", text, true}}),
		whereby.RecordingFinished:     slices.Concat(room, []field{{"filename", text, false}, {"recordingId", text, false}, {"status", text, false}}),
		whereby.TranscriptionStarted:  transcription,
		whereby.TranscriptionFinished: transcription,
		whereby.TranscriptionFailed:   transcription,
	}
	envelope := []field{{"id", text, false}, {"apiVersion", text, false}, {"createdAt", moment, false}, {"type", text, false}, {"data", object, false}}
	for _, nulls := range []wherebytest.NullStyle{wherebytest.OmitNulls, wherebytest.ExplicitNulls} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			a := wherebytest.Demo(3, begin, wherebytest.DemoOptions{History: time.Hour, Config: wherebytest.Config{Nulls: nulls}})
			time.Sleep(6 * time.Hour)
			seen := map[whereby.EventType]int{}
			for _, e := range a.Events(begin, time.Now()) {
				body, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				var got map[string]any
				if err := json.Unmarshal(body, &got); err != nil {
					t.Fatal(err)
				}
				wrong := violations(envelope, got, nulls)
				wrong = append(wrong, violations(data[e.Type], got["data"].(map[string]any), nulls)...)
				for _, w := range wrong {
					t.Errorf("%s: %s", body, w)
				}
				if parsed, err := whereby.ParseEvent(body); err != nil || parsed.Type != e.Type || parsed.ParticipantID != e.ParticipantID {
					t.Errorf("%s: parsed as %+v, %v", body, parsed, err)
				}
				seen[e.Type]++
			}
			for eventType := range data {
				if seen[eventType] == 0 {
					t.Errorf("no %s in six hours", eventType)
				}
			}
		})
	}
}
