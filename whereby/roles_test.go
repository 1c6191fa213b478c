package whereby_test

import (
	"slices"
	"testing"

	"whereby_exporter/whereby"
)

func TestRolesArePeopleOrMachinesAndBilledOrNot(t *testing.T) {
	type answers struct {
		person bool
		billed whereby.Billed
	}
	want := map[string]answers{
		"owner":           {true, whereby.BilledAsParticipant},
		"member":          {true, whereby.BilledAsParticipant},
		"host":            {true, whereby.BilledAsParticipant},
		"visitor":         {true, whereby.BilledAsParticipant},
		"granted_visitor": {true, whereby.BilledAsParticipant},
		"viewer":          {true, whereby.BilledAsParticipant},
		"granted_viewer":  {true, whereby.BilledAsParticipant},
		"recorder":        {false, whereby.BilledAsRecorder},
		"streamer":        {false, whereby.BilledAsStreamer},
		"captioner":       {false, whereby.NotBilled},
		"assistant":       {false, whereby.BilledAsParticipant},
		// Not documented.
		"moderator": {true, whereby.BilledAsParticipant},
		"Recorder":  {true, whereby.BilledAsParticipant},
		"":          {true, whereby.BilledAsParticipant},
	}
	for role, want := range want {
		if got := (answers{whereby.IsPerson(role), whereby.BilledAs(role)}); got != want || whereby.IsMachine(role) == want.person {
			t.Errorf("%q: got %+v, want %+v", role, got, want)
		}
	}
	for _, role := range whereby.Roles() {
		if _, ok := want[role]; !ok {
			t.Errorf("%q is documented, and not in the table", role)
		}
	}
	if n := len(whereby.Roles()); n != len(want)-3 {
		t.Errorf("%d documented roles, want %d", n, len(want)-3)
	}
	if !slices.IsSortedFunc(whereby.Roles(), func(a, b string) int {
		return map[bool]int{true: 1}[whereby.IsMachine(a)] - map[bool]int{true: 1}[whereby.IsMachine(b)]
	}) {
		t.Error("people do not come first")
	}
}
