package live

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

// noTimes are the whole numbers of the state that are no times, and those that may be of
// the future: when a room ends, and what follows from that.
var noTimes = strings.Fields(`
	Tracker.duplicates Tracker.refused Tracker.nextEnd Tracker.events Tracker.corrections
	room.waiting room.ends room.clients
	prefix.clients prefix.people prefix.rooms prefix.waiting prefix.joins prefix.leaves prefix.dialIns prefix.recordings
	prefix.transcriptions roomSize.people roomSize.rooms lasting.value headcount.total count.clients
	meter.base meter.missed meter.shown meter.carried meterMark.people meterMark.assistants meterMark.segment
	segmentSum.segment segmentSum.minutes segmentKey.segment segmentTotal.minutes segmentTotal.highest
	segmentTable.numbers`)

// TestARestoredStateHoldsNoTimeOfTheFuture fills each time of the state from a clock that
// was ten years ahead. A number that is added to the state is a time, or in noTimes.
func TestARestoredStateHoldsNoTimeOfTheFuture(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	o := Options{Label: func(string) string { return "acme-" }, SegmentLimit: 3}
	tracker := New(o)
	p := tracker.prefix("acme-")
	p.peak.values, p.fullest.values = []lasting{{}, {}}, []lasting{{}, {}}
	one := count{headcount: headcount{}}
	tracker.rooms["/acme-1"] = &room{
		name: "/acme-1", prefix: p, unsettled: []headcount{{}}, rivals: []count{one},
		visits:  map[hash]visit{{1}: {marks: [4]doorMark{{}, {}, {}, {}}, used: 4}},
		meter:   &meter{marks: []meterMark{{}}, carriedSegments: segmentMinutes{{1, 1}}},
		derived: &derivation{told: one, changes: []headcount{{}}},
	}
	tracker.segments.number("staff", 0)
	tracker.segments.total("acme-", 1)
	tracker.seen.young[hash{1}] = struct{}{}
	tracker.events[whereby.ClientJoined] = 1

	future := now.AddDate(10, 0, 0).UnixMicro()
	filled := map[string]bool{}
	eachNumber(reflect.ValueOf(tracker).Elem(), "", func(name string, v reflect.Value) {
		if !slices.Contains(noTimes, name) {
			filled[name] = true
			set(v, future)
		}
	})
	// A map's values cannot be set in place.
	r := tracker.rooms["/acme-1"]
	v := visit{knocked: future, ended: future, heard: future, used: 4}
	for i := range v.marks {
		v.marks[i].at = future
	}
	r.visits = map[hash]visit{{1}: v}

	state, err := tracker.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(state, now, time.Minute, o)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	eachNumber(reflect.ValueOf(restored).Elem(), "", func(name string, v reflect.Value) {
		if slices.Contains(noTimes, name) {
			return
		}
		seen[name] = true
		if at := v.Int(); at > now.Add(skew).UnixMicro() {
			t.Errorf("%s is %v after now", name, time.Duration(at-now.UnixMicro())*time.Microsecond)
		} else if at == 0 {
			t.Errorf("%s is not restored", name)
		}
	})
	for name := range filled {
		if !seen[name] {
			t.Errorf("%s is not restored", name)
		}
	}
	for _, name := range []string{"Tracker.now", "lasting.until", "visit.heard", "doorMark.at", "meterMark.at", "segmentTable.used", "headcount.arrived"} {
		if !filled[name] && !seen[name] {
			t.Errorf("%s is not tried", name)
		}
	}
}

// eachNumber calls f with each int64 below a value, and the name of its field.
func eachNumber(v reflect.Value, name string, f func(name string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Int64:
		f(name, v)
	case reflect.Pointer:
		if !v.IsNil() {
			eachNumber(v.Elem(), name, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Type != reflect.TypeFor[Options]() {
				eachNumber(v.Field(i), fmt.Sprint(v.Type().Name(), ".", field.Name), f)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			eachNumber(v.Index(i), name, f)
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			eachNumber(entries.Key(), name, f)
			eachNumber(entries.Value(), name, f)
		}
	default:
	}
}

// set sets a field that is not exported, if it is one in place.
func set(v reflect.Value, to int64) {
	if v.CanAddr() {
		*(*int64)(v.Addr().UnsafePointer()) = to
	}
}
