package wherebytest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestARoomStandsOnTheTimelineOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Config{})
		a.AddRoom(Room{Name: "/acme-1"})
		a.Schedule("/acme-1", Session{Start: time.Now(), Participants: make([]Participant, 2)})
		for range 100 {
			a.Use("/acme-1", Totals{Sessions: 1}, time.Now())
		}
		time.Sleep(time.Hour)
		if got := a.Shown()["/acme-1"].Totals.ParticipantMinutes; got != 120 {
			t.Errorf("%d minutes, want 120", got)
		}
		if n := len(a.timeline); n != 1 {
			t.Errorf("%d entries, want 1", n)
		}
	})
}

func TestIDsLeadBackToTheirNumbers(t *testing.T) {
	for _, x := range []uint64{0, 1, 1 << 31, 1 << 32, 1<<64 - 1, 0x0123456789abcdef} {
		if got := unmix(mix(x)); got != x {
			t.Errorf("unmix(mix(%x)) = %x", x, got)
		}
		if got, ok := parseUUID(uuid(x, 5)); !ok || got != x {
			t.Errorf("parseUUID(uuid(%x)) = %x, %v", x, got, ok)
		}
	}
	for _, s := range []string{"", "e2f29530-46ec-4cee-8b27-e565cb5bb2e", "x2f29530-46ec-4cee-8b27-e565cb5bb2e9"} {
		if _, ok := parseUUID(s); ok {
			t.Errorf("%q is taken for a UUID", s)
		}
	}
}

func TestTotalsAreSharedOutWhole(t *testing.T) {
	whole := Totals{ParticipantMinutes: 100, RecorderMinutes: 7, Sessions: 3}
	var sum Totals
	for i := range int64(7) {
		sum = sum.Add(whole.share(i, 7))
	}
	if sum != whole {
		t.Errorf("the shares add up to %+v, want %+v", sum, whole)
	}
}
