package wherebytest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

func TestTheDemoLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * 24 * time.Hour) // a Monday, midnight
		a := wherebytest.Demo(1, time.Now(), wherebytest.DemoOptions{})
		totals := func() (sum wherebytest.Totals, rooms int) {
			for _, t := range a.Truth(prefixOf) {
				sum, rooms = sum.Add(t.Totals), rooms+t.Rooms
			}
			return sum, rooms
		}
		before, rooms := totals()
		t.Logf("%d rooms, %+v", rooms, before)
		if got := len(a.Truth(prefixOf)); got != 8 {
			t.Errorf("%d prefixes, want 7 and the rooms named by hand", got)
		}
		changes, last := 0, before
		for range 12 * 60 {
			time.Sleep(5 * time.Second)
			now, n := totals()
			if now.ParticipantMinutes < last.ParticipantMinutes || now.Sessions < last.Sessions {
				t.Fatalf("%+v follows %+v", now, last)
			}
			if now != last {
				changes++
			}
			last = now
			if n < 300 || n > 2000 {
				t.Fatalf("%d rooms", n)
			}
		}
		if changes < 12*60*9/10 {
			t.Errorf("something changed in %d of %d steps of 5 s", changes, 12*60)
		}
		if perMinute := float64(last.Sessions-before.Sessions) / 60; perMinute < 2.5 || perMinute > 10 {
			t.Errorf("%.1f sessions start a minute", perMinute)
		}
		before = last
		time.Sleep(3 * 24 * time.Hour)
		last, rooms = totals()
		t.Logf("three days later: %d rooms, %+v", rooms, last.Add(wherebytest.Totals{}))
		if last.Sessions-before.Sessions < 5000 || rooms > 2000 {
			t.Errorf("three days later: %d more sessions, %d rooms", last.Sessions-before.Sessions, rooms)
		}
		if last.RecorderMinutes <= before.RecorderMinutes || last.StreamerMinutes <= before.StreamerMinutes {
			t.Error("nothing was recorded or streamed")
		}
	})
}

func TestTheSameSeedMakesTheSameDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := wherebytest.DemoOptions{History: 10 * 24 * time.Hour}
		often, seldom := wherebytest.Demo(5, time.Now(), opts), wherebytest.Demo(5, time.Now(), opts)
		for range 30 {
			time.Sleep(time.Hour)
			often.Shown()
		}
		x, y := often.Shown(), seldom.Shown()
		if len(x) != len(y) {
			t.Errorf("%d and %d rooms", len(x), len(y))
		}
		for name := range x {
			if x[name] != y[name] {
				t.Errorf("%+v and %+v", x[name], y[name])
			}
		}
		tx, ty := often.Truth(prefixOf), seldom.Truth(prefixOf)
		for prefix := range tx {
			if tx[prefix] != ty[prefix] {
				t.Errorf("%s: %+v and %+v", prefix, tx[prefix], ty[prefix])
			}
		}
	})
}

func BenchmarkDemo(b *testing.B) {
	for b.Loop() {
		wherebytest.Demo(1, time.Now(), wherebytest.DemoOptions{})
	}
}
