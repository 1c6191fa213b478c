package whereby_test

import (
	"testing"

	"whereby_exporter/whereby"
)

func TestPresence(t *testing.T) {
	const stands, doubt, nobody = whereby.Stands, whereby.InDoubt, whereby.Nobody
	// Of each kind of evidence: what it says of nobody, a visitor at the door or a machine,
	// one person, one with a visitor at the door, and two people.
	counts := [5][2]int{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}}
	for name, test := range map[string]struct {
		whereby.Evidence
		want [5]whereby.Presence
	}{
		"none":            {whereby.Evidence{}, [5]whereby.Presence{}},
		"a session ended": {whereby.Evidence{SessionEnded: true}, [5]whereby.Presence{stands, stands, stands, stands, doubt}},
		"a session ended, and another runs": {
			whereby.Evidence{SessionEnded: true, Insights: whereby.SessionRuns}, [5]whereby.Presence{},
		},
		"a session ended, as Insights says too": {
			whereby.Evidence{SessionEnded: true, Insights: whereby.NoSessionRuns}, [5]whereby.Presence{stands, stands, stands, stands, nobody},
		},
		"the room expired": {whereby.Evidence{Expired: true}, [5]whereby.Presence{stands, nobody, nobody, nobody, nobody}},
		"the room expired, and Insights has a session that runs": {
			whereby.Evidence{Expired: true, Insights: whereby.SessionRuns}, [5]whereby.Presence{stands, nobody, nobody, nobody, nobody},
		},
		"events were missed": {whereby.Evidence{Missed: true}, [5]whereby.Presence{stands, doubt, doubt, doubt, doubt}},
		"events were missed, and a session runs": {
			whereby.Evidence{Missed: true, Insights: whereby.SessionRuns}, [5]whereby.Presence{},
		},
		"events were missed, and no session runs": {
			whereby.Evidence{Missed: true, Insights: whereby.NoSessionRuns}, [5]whereby.Presence{stands, stands, stands, stands, nobody},
		},
		"silence":                      {whereby.Evidence{Silent: true}, [5]whereby.Presence{stands, doubt, doubt, doubt, doubt}},
		"silence, and a session runs":  {whereby.Evidence{Silent: true, Insights: whereby.SessionRuns}, [5]whereby.Presence{}},
		"silence, and no session runs": {whereby.Evidence{Silent: true, Insights: whereby.NoSessionRuns}, [5]whereby.Presence{stands, nobody, nobody, nobody, nobody}},
		"silence after a session's end": {
			whereby.Evidence{SessionEnded: true, Silent: true}, [5]whereby.Presence{stands, doubt, doubt, doubt, doubt},
		},
		"Insights alone": {whereby.Evidence{Insights: whereby.NoSessionRuns}, [5]whereby.Presence{}},
	} {
		for i, n := range counts {
			if got := test.Presence(n[0], n[1]); got != test.want[i] {
				t.Errorf("%s: %d people and %d others: got %v, want %v", name, n[0], n[1], got, test.want[i])
			}
		}
	}
}
