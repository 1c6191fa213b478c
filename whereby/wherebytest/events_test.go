package wherebytest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// at returns a time after day.
func at(d time.Duration) time.Time { return day.Add(d) }

// consultation returns a meeting with everything in it: a visitor who knocks before the
// host is there, one who gives up, one who walks in, a recorder.
func consultation() wherebytest.Session {
	return wherebytest.Session{
		ID: "s", Start: at(10 * time.Minute), End: at(40 * time.Minute),
		Participants: []wherebytest.Participant{
			{ID: "host", Role: "host", DisplayName: "Host 1", Joined: at(8 * time.Minute)},
			{ID: "patient", Knocked: at(2 * time.Minute), Joined: at(10 * time.Minute), Left: at(35 * time.Minute),
				DisplayName: `Visitor "17"`, ExternalID: "customer-4", Metadata: "clinic=north;doctor=12"},
			{Role: wherebytest.RoleRecorder, Joined: at(12 * time.Minute), Left: at(35 * time.Minute)},
			{ID: "walk-in", Joined: at(20 * time.Minute), Left: at(30 * time.Minute)},
		},
		Knocks: []wherebytest.Knock{{ID: "gone", At: at(15 * time.Minute), GaveUp: at(19 * time.Minute), DisplayName: "Visitor 2"}},
	}
}

func TestTheEventsOfAMeeting(t *testing.T) {
	a := withRooms(3, wherebytest.Config{})
	a.Schedule(acme(1), consultation())
	want := []string{
		"2m0s room.client.knocked patient",
		"8m0s room.client.joined host host map[host:1]",
		"10m0s room.client.joined patient granted_visitor map[granted_visitor:1 host:1]",
		"10m0s room.session.started",
		"12m0s room.client.joined - recorder map[granted_visitor:1 host:1 recorder:1]",
		"15m0s room.client.knocked gone",
		"19m0s room.client.knockCancelled gone",
		"20m0s room.client.joined walk-in visitor map[granted_visitor:1 host:1 recorder:1 visitor:1]",
		"30m0s room.client.left walk-in visitor map[granted_visitor:1 host:1 recorder:1]",
		"35m0s room.client.left patient granted_visitor map[host:1 recorder:1]",
		"35m0s room.client.left - recorder map[host:1]",
		"recording.finished completed",
		"40m0s room.client.left host host map[]",
		"40m0s room.session.ended",
	}
	var got []string
	for _, e := range a.Events(day, at(24*time.Hour)) {
		if e.RoomName != acme(1) || e.MeetingID == "" {
			t.Errorf("%s in room %q, meeting %q", e.Type, e.RoomName, e.MeetingID)
		}
		early := e.Type == whereby.ClientKnocked && e.ParticipantID == "patient"
		if inSession := strings.HasPrefix(string(e.Type), "room.") && !early; (e.RoomSessionID == "s") != inSession {
			t.Errorf("%s is of session %q", e.Type, e.RoomSessionID)
		}
		line := []string{e.CreatedAt.Sub(day).String(), string(e.Type)}
		switch e.Type {
		case whereby.RecordingFinished:
			if wait := e.CreatedAt.Sub(at(35 * time.Minute)); wait < 0 || wait > 3*time.Minute {
				t.Errorf("a recording is finished %v after its end", wait)
			}
			line = []string{string(e.Type), e.Status}
		case whereby.ClientJoined, whereby.ClientLeft:
			if e.RoleName == wherebytest.RoleRecorder {
				e.ParticipantID = "-" // made up
			}
			line = append(line, e.ParticipantID, e.RoleName, fmt.Sprint(e.Clients))
		case whereby.ClientKnocked, whereby.ClientKnockCancelled:
			line = append(line, e.ParticipantID)
		}
		if !strings.HasPrefix(string(e.Type), "transcription") {
			got = append(got, strings.Join(line, " "))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheBodyOfAnEvent(t *testing.T) {
	for _, test := range []struct {
		nulls wherebytest.NullStyle
		host  string
	}{
		{wherebytest.OmitNulls, `"roomSessionId":"s","isDialIn":false}}`},
		{wherebytest.ExplicitNulls, `"roomSessionId":"s","metadata":null,"externalId":null,"isDialIn":false}}`},
	} {
		a := withRooms(3, wherebytest.Config{Nulls: test.nulls})
		a.Schedule(acme(1), consultation())
		events := a.Events(day, at(11*time.Minute))
		bodies := make([]string, len(events))
		for i, e := range events {
			body, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			bodies[i] = string(body)
		}
		if !strings.HasSuffix(bodies[1], `"displayName":"Host 1","participantId":"host",`+test.host) {
			t.Errorf("the host joins: %s", bodies[1])
		}
		e := events[2]
		want := `{"id":"` + e.ID + `","apiVersion":"1.0","createdAt":"` + e.CreatedAt.Format("2006-01-02T15:04:05.000Z") + `","type":"room.client.joined","data":` +
			`{"meetingId":"` + e.MeetingID + `","roomName":"` + acme(1) + `","subdomain":"example","roleName":"granted_visitor",` +
			`"numClients":2,"numClientsByRoleName":{"granted_visitor":1,"host":1},"displayName":"Visitor \"17\"","participantId":"patient",` +
			`"roomSessionId":"s","metadata":"clinic=north;doctor=12","externalId":"customer-4","isDialIn":false}}`
		if bodies[2] != want {
			t.Errorf("the visitor joins:\n%s\nwant\n%s", bodies[2], want)
		}
	}
}

func TestEventsAddUpToTheLiveFigures(t *testing.T) {
	for seed := range uint64(20) {
		a := meetings(t, seed, 60)
		r := newReader(t)
		events := a.Events(day, at(24*time.Hour))
		people, fullest := []int{0}, []int{0} // after each event, of the one prefix
		for i, e := range events {
			r.read(e)
			live := r.live()
			people = append(people, live["acme-"].People)
			fullest = append(fullest, live["acme-"].Fullest())
			if i+1 < len(events) && events[i+1].CreatedAt.Equal(e.CreatedAt) {
				continue
			}
			compareLive(t, a, e.CreatedAt, live)
			compareLive(t, a, e.CreatedAt.Add(time.Millisecond-time.Nanosecond), live)
			most, inOne, since := live["acme-"].People, live["acme-"].Fullest(), e.CreatedAt.Add(-5*time.Minute)
			for j := i; j >= 0 && !events[j].CreatedAt.Before(since); j-- {
				most = max(most, people[j], people[j+1]) // before it, and after
				inOne = max(inOne, fullest[j], fullest[j+1])
			}
			if got := a.Live(e.CreatedAt, prefixOf)["acme-"]; got.PeopleMax != most || got.FullestMax != inOne {
				t.Errorf("%v: at most %d people and %d in one room, want %d and %d", e.CreatedAt, got.PeopleMax, got.FullestMax, most, inOne)
			}
		}
		for name, room := range r.rooms {
			if len(room.in)+len(room.waiting) > 0 {
				t.Errorf("%s: at the end %v are in, %v wait", name, room.in, room.waiting)
			}
		}
		if got := a.Live(at(48*time.Hour), prefixOf); len(got) != 0 {
			t.Errorf("at the end: %+v", got)
		}
		for _, eventType := range []whereby.EventType{whereby.ClientKnockCancelled, whereby.SessionStarted, whereby.RecordingFinished} {
			if r.types[eventType] == 0 {
				t.Errorf("no %s in %d events", eventType, len(events))
			}
		}
		if r.types[whereby.SessionStarted] != r.types[whereby.SessionEnded] {
			t.Errorf("%v", r.types)
		}
	}
}

// inSlices returns the events in pieces cut at random.
func inSlices(a *wherebytest.Account, random *rand.Rand, from, to time.Time, longest time.Duration) (all []wherebytest.Event) {
	for from.Before(to) {
		end := from.Add(1 + time.Duration(random.Int64N(int64(longest))))
		if end.After(to) {
			end = to
		}
		all = append(all, a.Events(from, end)...)
		from = end
	}
	return all
}

func TestEventsAreTheSameInSlices(t *testing.T) {
	const seed = 3
	a := meetings(t, seed, 200)
	whole := a.Events(day, at(24*time.Hour))
	random := rand.New(rand.NewPCG(seed, 1))
	for _, longest := range []time.Duration{time.Minute, 7 * time.Minute, 5 * time.Hour} {
		if parts := inSlices(a, random, day, at(24*time.Hour), longest); !reflect.DeepEqual(parts, whole) {
			t.Errorf("%d events in slices of up to %v, %d as a whole, or others", len(parts), longest, len(whole))
		}
	}
	if again := meetings(t, seed, 200).Events(day, at(24*time.Hour)); len(again) != len(whole) {
		t.Errorf("%d events, and with the same seed %d", len(whole), len(again))
	}
}

func TestParticipantsInEventsAreThoseOfInsights(t *testing.T) {
	for _, style := range []struct {
		name    string
		account func() *wherebytest.Account
	}{
		{"scheduled", func() *wherebytest.Account { return meetings(t, 1, 60) }},
		{"demo", func() *wherebytest.Account {
			return wherebytest.Demo(1, time.Now(), wherebytest.DemoOptions{History: 24 * time.Hour, Config: wherebytest.Config{PointsPerMinute: 1 << 30}})
		}},
	} {
		t.Run(style.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(at(0)))
				begin := time.Now()
				a := style.account()
				time.Sleep(10 * time.Hour)
				events := a.Events(begin, begin.Add(5*time.Hour))
				checked := 0
				for _, e := range events {
					if e.Type != whereby.ClientJoined {
						continue
					}
					if checked++; checked > 300 {
						break
					}
					found := false
					rows := call(t, a, "participants", "roomSessionId", e.RoomSessionID, "limit", "100").listing(t).Results
					for _, row := range rows {
						name, _ := row["displayName"].(string)
						external, _ := row["externalId"].(string)
						found = found || row["participantId"] == e.ParticipantID && row["joinedAt"] == e.CreatedAt.Format("2006-01-02T15:04:05.000Z") &&
							row["roleName"] == e.RoleName && name == e.DisplayName && external == e.ExternalID
					}
					if !found {
						t.Errorf("%+v is none of the %d participants", e, len(rows))
					}
					if e.ExternalID != "" && len(call(t, a, "participants", "externalId", e.ExternalID).listing(t).Results) == 0 {
						t.Errorf("nobody has the external ID %s", e.ExternalID)
					}
				}
				if checked < 50 {
					t.Errorf("only %d joins", checked)
				}
			})
		})
	}
}
