package backfill

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEverySampleIsTheTruth(t *testing.T) {
	for name, c := range map[string]struct {
		config wherebytest.Config
		change func(b *bench)
	}{
		"as it is":              {},
		"Insights lag":          {config: wherebytest.Config{Lag: 15 * time.Minute}},
		"cursors of rows":       {config: wherebytest.Config{Cursors: wherebytest.KeysetCursors, SessionTimes: wherebytest.CreatedEnd, NullsFirst: true}},
		"nothing is sorted":     {change: func(b *bench) { b.account.Inject(wherebytest.SortIgnored()) }},
		"sorting is refused":    {change: func(b *bench) { b.account.Inject(wherebytest.SortRefused()) }},
		"answers fail at times": {change: func(b *bench) { b.account.Inject(wherebytest.Status(502).After(5).Times(30)) }},
		"a start":               {change: func(b *bench) { b.options.Start = time.Now().Add(-20*day - b.duration(day)) }},
		"samples by the day":    {change: func(b *bench) { b.options.Interval = day }},
		"samples by the minute": {change: func(b *bench) { b.options.Interval = time.Minute }},
		"small files":           {change: func(b *bench) { b.options.fileLines = 1000 }},
		"small runs of changes": {change: func(b *bench) { b.options.workers = 1 }},
		"labels": {change: func(b *bench) {
			b.options.Labels = []Label{{"job", "whereby"}, {"instance", `a\"b` + "\n"}, {"zone", "ü"}}
			b.options.Labels[1].Value = `a\b"c`
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "as it is" && name != "answers fail at times" {
				t.Skip("too long with the race detector: it runs without")
			}
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, c.config)
				time.Sleep(b.duration(5 * day))
				b.furnish(120, 60)
				if c.change != nil {
					c.change(b)
				}
				end := time.Now().Add(-HeadAge).Truncate(time.Second)
				s, files := b.mustRun()
				b.expectTruth(files, end)
				if s.Cut != (figures{}) || s.BaseRooms != 0 || s.Base != (figures{}) && b.options.Start.IsZero() {
					t.Errorf("the account was consistent, and the summary is %+v", s)
				}
				if name == "small files" && s.Files < 10 {
					t.Errorf("%d files", s.Files)
				}
			})
		})
	}
}

// TestTheHistoryNeverEndsAboveTheLiveCounters compares its last samples with what the
// first scrape at its end showed: above, it would look like a reset. The figures of that
// scrape are those of a poll that began before.
func TestTheHistoryNeverEndsAboveTheLiveCounters(t *testing.T) {
	if testing.Short() {
		t.Skip("too long with the race detector: it runs without")
	}
	for round := range 10 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{Lag: 15 * time.Minute})
				b.furnish(60, 30)
				// The busiest hours are those of the seam, and go on while it is read.
				for range 40 {
					start := time.Now().Add(b.duration(6*time.Hour) - 3*time.Hour)
					b.account.Schedule(b.room("acme-"), wherebytest.Session{Start: start, End: start.Add(b.duration(3 * time.Hour)),
						Participants: make([]wherebytest.Participant, 3)})
				}
				live := b.account.Truth(prefixOf)
				time.Sleep(44 * time.Minute)
				b.options.End = time.Now()
				time.Sleep(b.duration(4 * time.Hour))
				_, files := b.mustRun()
				b.expectTruth(files, b.options.End.Truncate(time.Second))
				for name, samples := range parse(t, files) {
					prefix, _, _ := strings.Cut(name[strings.Index(name, `"`)+1:], `"`)
					shown := figures{live[prefix].ParticipantMinutes, live[prefix].RecorderMinutes, live[prefix].StreamerMinutes, live[prefix].Sessions}
					for i, m := range counters {
						if last := samples[len(samples)-1].value; strings.HasPrefix(name, m.Name) && last > shown[i] {
							t.Errorf("%s ends with %d, and Insights showed %d", name, last, shown[i])
						}
					}
				}
			})
		})
	}
}

func TestAStoppedRunGoesOn(t *testing.T) {
	for round := range 8 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				b.options.Concurrency = round%2 == 0
				b.furnish(130, 40)
				b.options.End = time.Now().Add(-HeadAge)
				_, undisturbed := b.mustRun()
				total := b.account.Count(whereby.EndpointRooms) + b.account.Count(whereby.EndpointRoomSessions) + b.account.Count(whereby.EndpointParticipants)
				var left atomic.Int64
				var stop atomic.Pointer[context.CancelFunc]
				b.account.OnRequest(func(int, *http.Request) {
					if left.Add(-1) == 0 {
						(*stop.Load())()
					}
				})
				for stops := 0; ; stops++ {
					ctx, cancel := context.WithCancel(t.Context())
					stop.Store(&cancel)
					left.Store(5 + b.random.Int64N(int64(total/2)))
					s, err := b.run(ctx)
					cancel()
					if err == nil {
						if got := b.take(s); stops == 0 || !slices.Equal(got, undisturbed) {
							t.Errorf("after %d stops the output is another", stops)
						}
						break
					}
					if stops > 100 || !strings.Contains(err.Error(), "stopped; what was read so far is kept") {
						t.Fatal(err)
					}
					b.tear()
				}
			})
		})
	}
}

// onWriting calls do when all is read and nothing is written.
type onWriting struct{ do func() }

func (o *onWriting) Write(p []byte) (int, error) {
	if o.do != nil && bytes.Contains(p, []byte("samples written")) {
		o.do()
		o.do = nil
	}
	return len(p), nil
}

// TestAStopWhileItWrites does not wait for the rest of the files.
func TestAStopWhileItWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.furnish(60, 40)
		b.options.End, b.options.fileLines = time.Now().Add(-HeadAge), 1000
		s, undisturbed := b.mustRun()
		ctx, cancel := context.WithCancel(t.Context())
		b.options.Progress = &onWriting{cancel}
		if _, err := b.run(ctx); err == nil || !strings.Contains(err.Error(), "stopped; what was read so far is kept") {
			t.Fatal(err)
		}
		if written, _ := filepath.Glob(b.options.Output + ".partial/" + outputFile + ".*"); s.Files < 10 || len(written) > 1 {
			t.Errorf("it went on to write %d files of %d", len(written), s.Files)
		}
		if _, files := b.mustRun(); !slices.Equal(files, undisturbed) {
			t.Error("the output is another")
		}
	})
}

// TestARunThatEndsWhileItMovesItsFiles has one of them find its place taken, each in turn,
// and then free again; and the work half deleted.
func TestARunThatEndsWhileItMovesItsFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.furnish(40, 20)
		b.options.End, b.options.fileLines = time.Now().Add(-HeadAge), 2000
		s, undisturbed := b.mustRun()
		place := func(i int) string { return (&work{output: b.options.Output}).outputPath(i) }
		partial := b.options.Output + ".partial"
		for taken := range s.Files {
			b.options.Progress = &onWriting{func() { os.MkdirAll(filepath.Join(place(taken), "x"), 0o700) }}
			if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "--output: ") {
				t.Fatalf("with %s in the way: %v", place(taken), err)
			}
			for i := range s.Files {
				if content, err := os.ReadFile(place(i)); i > taken && string(content) != undisturbed[i] || i < taken && err == nil {
					t.Errorf("with %s in the way, %s holds %d bytes (%v)", place(taken), place(i), len(content), err)
				}
			}
			os.RemoveAll(place(taken))
			if taken == 0 {
				os.Rename(filepath.Join(partial, outputFile+".0"), place(0))
				for _, name := range []string{parametersFile, lockFile, roomsFile} {
					os.Remove(filepath.Join(partial, name))
				}
			}
			if again, files := b.mustRun(); *again != *s || !slices.Equal(files, undisturbed) {
				t.Errorf("with %s once in the way, the output is another, or %+v", place(taken), again)
			}
		}
		// All but the last thing was done.
		os.WriteFile(b.options.Output, []byte("# EOF\n"), 0o600)
		os.Mkdir(partial, 0o700)
		if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "already exists") {
			t.Error(err)
		}
		if _, err := os.Stat(partial); err == nil {
			t.Error("an empty work directory is left")
		}
	})
}

// TestAResumedRunKeepsItsEnd has no end given.
func TestAResumedRunKeepsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.furnish(40, 20)
		end := time.Now().Add(-HeadAge)
		b.account.Inject(wherebytest.Status(401).After(5))
		if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "goes on from there") {
			t.Fatal(err)
		}
		b.account.ClearFaults()
		time.Sleep(9 * time.Hour)
		_, files := b.mustRun()
		b.expectTruth(files, end)
	})
}

// tear leaves half a record at the end of a work file, as a process that was killed may.
func (b *bench) tear() {
	for _, name := range []string{sessionsFile, peopleFile} {
		path := filepath.Join(b.options.Output+".partial", name)
		info, err := os.Stat(path)
		if err == nil && info.Size() > 0 && b.random.IntN(2) == 0 {
			os.Truncate(path, info.Size()-1-b.random.Int64N(min(20, info.Size())))
		}
	}
}

func TestWhatRoomsCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		now := time.Now()
		meet := func(name string, at time.Time, n int) {
			for i := range n {
				b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 4}, at.Add(time.Duration(i)*time.Hour))
			}
		}
		for i := range 500 {
			switch name := b.room("acme-"); i % 5 {
			case 0: // never used
			case 1:
				meet(name, now.AddDate(0, -1, -i%20), 1)
			case 2: // before the start
				meet(name, now.AddDate(-1, 0, 0), 3)
			case 3: // after the end
				meet(name, now.Add(-time.Hour), 1)
			case 4:
				meet(name, now.AddDate(0, -1, -i%20), 2)
			}
		}
		b.options.Start = now.AddDate(0, -6, 0)
		b.mustRun()
		if n := b.account.Count(whereby.EndpointRoomSessions); n != 100 {
			t.Errorf("%d requests for sessions, want one for each of the 100 rooms with two in the time", n)
		}
		if n := b.account.Count(whereby.EndpointRooms); n > 5+3 {
			t.Errorf("%d requests for rooms", n)
		}
	})
}

// TestTheShareIsKept counts the requests of every minute, over runs that are stopped.
func TestTheShareIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{PointsPerMinute: 100})
		b.furnish(400, 40)
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			s, err := b.run(ctx)
			cancel()
			if err == nil {
				b.take(s)
				break
			}
			if !strings.Contains(err.Error(), "stopped") {
				t.Fatal(err)
			}
		}
		requests := b.account.Requests()
		for i, r := range requests {
			n := 0
			for _, o := range requests[i:] {
				if o.Time.Sub(r.Time) < time.Minute {
					n++
				}
			}
			if n > 25 {
				t.Fatalf("%d requests in the minute from %v", n, r.Time)
			}
		}
		if len(requests) < 100 {
			t.Errorf("only %d requests", len(requests))
		}
	})
}

// sessionsEdited changes the rows of listings of sessions.
func sessionsEdited(edit func(rows []map[string]any) []map[string]any) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		if !strings.HasSuffix(r.URL.Path, "/room-sessions") {
			return body
		}
		var page map[string]any
		if json.Unmarshal(body, &page) != nil || page["results"] == nil {
			return body
		}
		var rows []map[string]any
		for _, row := range page["results"].([]any) {
			rows = append(rows, row.(map[string]any))
		}
		page["results"] = edit(rows)
		body, _ = json.Marshal(page)
		return body
	}
}

func TestTotalsAndSessionsThatDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		edit        func(rows []map[string]any) []map[string]any
		first, last figures
		base, cut   figures
		rooms       int64
	}{
		"the oldest session is not listed": {
			edit:  func(rows []map[string]any) []map[string]any { return rows[:2] },
			first: figures{10, 0, 0, 1}, last: figures{60, 0, 0, 3}, base: figures{10, 0, 0, 1}, rooms: 1,
		},
		"sessions hold more": {
			edit: func(rows []map[string]any) []map[string]any {
				for _, row := range rows {
					row["totalParticipantMinutes"] = row["totalParticipantMinutes"].(float64) + 15
				}
				return rows
			},
			// 25 + 35 + 45 is 45 more than 60; the oldest goes whole, and 20 of the next.
			last: figures{60, 0, 0, 3}, cut: figures{45},
		},
		"there are none": {
			edit:  func([]map[string]any) []map[string]any { return []map[string]any{} },
			first: figures{60, 0, 0, 3}, last: figures{60, 0, 0, 3}, base: figures{60, 0, 0, 3}, rooms: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, wherebytest.Config{})
				name, other := b.room("acme-"), b.room("globex-")
				for i := range 3 {
					at := time.Now().Add(-time.Duration(9-i) * day)
					b.account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 10 * int64(i+1)}, at)
				}
				b.account.Use(other, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5}, time.Now().Add(-10*day))
				b.edit = sessionsEdited(c.edit)
				s, files := b.mustRun()
				series := parse(t, files)
				for i, m := range counters {
					samples := series[m.Name+`{room_prefix="acme-"}`]
					if first := samples[0].value; first != c.first[i] {
						t.Errorf("%s begins with %d, want %d", m.Name, first, c.first[i])
					}
					if last := samples[len(samples)-1].value; last != c.last[i] {
						t.Errorf("%s ends with %d, want %d", m.Name, last, c.last[i])
					}
				}
				if s.Base != c.base || s.Cut != c.cut || s.BaseRooms != c.rooms {
					t.Errorf("the summary is %+v", s)
				}
			})
		})
	}
}

// TestRoomsOfTheStore has an exporter remember what Insights no longer tells.
func TestRoomsOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		now := time.Now()
		at := func(days int) int64 { return now.Add(-time.Duration(days) * day).Unix() }
		row := func(id uint32, name string, first, last int64, minutes, sessions int64) ledger.Row {
			return ledger.Row{ID: id, Name: name, FirstSession: first, LastSession: last, Totals: ledger.Totals{ParticipantMinutes: minutes, Sessions: sessions}}
		}
		known := b.room("acme-")
		b.account.Use(known, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 30}, now.Add(-20*day))
		lowered := b.room("acme-")
		for i := range 2 {
			b.account.Use(lowered, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 10}, now.Add(-time.Duration(20+i)*day))
		}
		const gone = "0000-4000-8000-000000000000"
		dir := t.TempDir()
		s, err := store.OpenBolt(dir)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Commit(ledger.Change{Prefixes: []string{"acme-"}, Rows: []ledger.Row{
			row(0, "/acme-0000000a-"+gone, at(10), at(10), 7, 1),       // one session: its time is known
			row(1, "/acme-0000000b-"+gone, at(15), at(5), 100, 2),      // two: they have none
			row(2, "/acme-0000000c-"+gone, at(15), now.Unix(), 900, 2), // used after the end
			row(3, known, at(20), at(20), 32, 1),                       // 2 were taken back
			row(4, lowered, at(21), at(20), 25, 2),                     // 5 were
		}})
		if err := errorsOf(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		b.options.StoragePath = dir
		summary, files := b.mustRun()
		samples := parse(t, files)[`whereby_participant_minutes_total{room_prefix="acme-"}`]
		if first, last := samples[0].value, samples[len(samples)-1].value; first != 107 || last != 107+20+30+7 {
			t.Errorf("from %d to %d, want 107 to 164", first, last)
		}
		if summary.GoneRooms != 3 || summary.Left != 1 || summary.GoneBase[0] != 100 || summary.Base[0] != 107 {
			t.Errorf("%+v", summary)
		}

		b.options.StoragePath = t.TempDir()
		if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "--storage.path: ") {
			t.Errorf("without a store: %v", err)
		}
	})
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestPeaks counts people at every moment that somebody joins.
func TestPeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.options.Concurrency = true
		b.furnish(60, 10)
		end := time.Now().Add(-HeadAge)
		var people []struct {
			prefix       string
			joined, left time.Time
		}
		for _, name := range b.rooms {
			for _, s := range b.account.Sessions(name) {
				if s.EndedAt.IsZero() || s.EndedAt.After(end.Add(-SeamAge)) {
					continue
				}
				stays, _, err := (&runner{Options: &Options{}, client: &whereby.Client{APIKey: whereby.StaticKey("test-key"),
					HTTPClient: &http.Client{Transport: b}}}).readStays(t.Context(), session{id: s.ID, end: millis(s.EndedAt)})
				if err != nil {
					t.Fatal(err)
				}
				for _, stay := range stays {
					people = append(people, struct {
						prefix       string
						joined, left time.Time
					}{prefixOf(name), time.UnixMilli(stay.joined), time.UnixMilli(stay.left)})
				}
			}
		}
		want := map[string]map[int64]int64{}
		note := func(prefix string, at time.Time) {
			n := int64(0)
			for _, p := range people {
				if p.prefix == prefix && !p.joined.After(at) && p.left.After(at) {
					n++
				}
			}
			if want[prefix] == nil {
				want[prefix] = map[int64]int64{}
			}
			hour := at.Truncate(time.Hour).Add(time.Hour).Unix()
			want[prefix][hour] = max(want[prefix][hour], n)
		}
		for _, p := range people {
			for at := p.joined; at.Before(p.left); at = at.Truncate(time.Hour).Add(time.Hour) {
				note(p.prefix, at)
			}
			note(p.prefix, p.joined)
		}
		_, files := b.mustRun()
		b.expectTruth(files, end)
		series := parse(t, files)
		for prefix, hours := range want {
			samples := series[PeakMetric+`{room_prefix="`+prefix+`"}`]
			if len(samples) < 24 {
				t.Errorf("%s has %d samples", prefix, len(samples))
			}
			for _, s := range samples {
				if s.value != hours[s.at] || s.at%3600 != 0 {
					t.Errorf("%s is %d at %d, want %d", prefix, s.value, s.at, hours[s.at])
				}
			}
		}
	})
}

// TestPeaksAreOfPeople reads a session with somebody of each role in it.
func TestPeaksAreOfPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		name := b.room("acme-")
		s := wherebytest.Session{ID: "s", Start: time.Now().Add(-day), End: time.Now().Add(-day + time.Hour)}
		people := 0
		for i, role := range append(whereby.Roles(), "moderator") {
			if whereby.IsPerson(role) {
				people++
			}
			s.Participants = append(s.Participants, wherebytest.Participant{Role: role, Joined: s.Start.Add(time.Duration(i) * time.Minute)})
		}
		b.account.Schedule(name, s)
		stays, _, err := (&runner{Options: &Options{}, client: &whereby.Client{APIKey: whereby.StaticKey("test-key"),
			HTTPClient: &http.Client{Transport: b}}}).readStays(t.Context(), session{id: s.ID, end: millis(s.End)})
		if err != nil {
			t.Fatal(err)
		}
		if people != 8 || len(stays) != people {
			t.Errorf("%d people of %d were there, want 8", len(stays), len(s.Participants))
		}
	})
}

func TestAWorkDirectoryOfAnotherRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.furnish(60, 20)
		b.options.End = time.Now().Add(-HeadAge)
		b.account.Inject(wherebytest.Status(401).After(8))
		if _, err := b.run(t.Context()); err == nil {
			t.Fatal("no error")
		}
		partial := b.options.Output + ".partial"
		kept := b.options
		refused := func(want ...string) {
			t.Helper()
			_, err := b.run(t.Context())
			for _, want := range append(want, partial) {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
			b.options = kept
		}
		for flag, change := range map[string]func(o *Options){
			"--start":       func(o *Options) { o.Start = o.End.Add(-day) },
			"--end":         func(o *Options) { o.End = o.End.Add(-day) },
			"--interval":    func(o *Options) { o.Interval = time.Hour },
			"--label":       func(o *Options) { o.Labels = []Label{{"job", "x"}} },
			"--concurrency": func(o *Options) { o.Concurrency = true },
		} {
			change(&b.options)
			refused("holds the work of a run with other "+flag, "delete")
		}
		for _, name := range []string{roomsFile, sessionsFile} {
			path := filepath.Join(partial, name)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := slices.Clone(content)
			damaged[durable.HeadLength+3] ^= 1
			os.WriteFile(path, damaged, 0o600)
			refused("is damaged", "to start over")
			if name == roomsFile {
				os.WriteFile(path, content[:len(content)-5], 0o600)
				refused("is damaged", "to start over")
			}
			os.WriteFile(path, content, 0o600)
		}
		os.WriteFile(filepath.Join(partial, parametersFile), []byte("{"), 0o600)
		refused("is damaged", "to start over")
	})
}

func TestOutputsThatAreInTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		for _, name := range []string{"", ".1", ".12", ".partial"} {
			path := b.options.Output + name
			os.WriteFile(path, []byte("precious"), 0o600)
			if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "--output: "+path+" ") {
				t.Errorf("%s: %v", name, err)
			}
			if content, _ := os.ReadFile(path); string(content) != "precious" {
				t.Errorf("%s was changed", name)
			}
			os.Remove(path)
		}
		b.options.Output = filepath.Join(t.TempDir(), "nowhere", "usage.om")
		if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "--output: ") {
			t.Error(err)
		}
	})
}

func TestAnEmptyAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, wherebytest.Config{})
		b.room("acme-")
		if _, files := b.mustRun(); len(files) != 1 || len(parse(t, files)) != 0 {
			t.Errorf("%q", files)
		}
	})
}

func TestFirstErrorsAreToldAtOnce(t *testing.T) {
	for _, status := range []int{401, 403, 404, 500} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, wherebytest.Config{})
			b.account.Inject(wherebytest.Status(status))
			began := time.Now()
			_, err := b.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(status)) || time.Since(began) > 10*time.Second || b.log.Len() > 0 {
				t.Errorf("after %v: %v\n%s", time.Since(began), err, &b.log)
			}
			if entries, _ := os.ReadDir(filepath.Dir(b.options.Output)); len(entries) > 0 {
				t.Errorf("%v is left behind", entries)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(o *Options)
		want   string // "" is no error
	}{
		"all is well":             {func(*Options) {}, ""},
		"a start":                 {func(o *Options) { o.Start = now.Add(-day) }, ""},
		"an end a moment ago":     {func(o *Options) { o.End = now }, ""},
		"an end in the future":    {func(o *Options) { o.End = now.Add(time.Second) }, "--end=2026-05-01T12:00:01Z: is in the future"},
		"an end before the start": {func(o *Options) { o.Start, o.End = now.Add(-day), now.Add(-2*day) }, "must be after --start=2026-04-30T12:00:00Z"},
		"a start of this hour":    {func(o *Options) { o.Start = now.Add(-time.Hour) }, "--end=2026-05-01T09:00:00Z: must be after --start"},
		"seven minutes":           {func(o *Options) { o.Interval = 7 * time.Minute }, "--interval=7m0s: must divide a day"},
		"seconds":                 {func(o *Options) { o.Interval = time.Second }, "--interval=1s: "},
		"a week":                  {func(o *Options) { o.Interval = 7 * day }, "--interval=168h0m0s: "},
		"no file":                 {func(o *Options) { o.Output = "" }, "--output: "},
		"a label of ours":         {func(o *Options) { o.Labels = []Label{{"room_prefix", "x"}} }, "--label=room_prefix: "},
		"a reserved label":        {func(o *Options) { o.Labels = []Label{{"__name__", "x"}} }, `--label: "__name__"`},
		"an impossible label":     {func(o *Options) { o.Labels = []Label{{"a-b", "x"}} }, `--label: "a-b"`},
		"an empty label":          {func(o *Options) { o.Labels = []Label{{"job", ""}} }, "--label=job: "},
		"a label twice":           {func(o *Options) { o.Labels = []Label{{"job", "a"}, {"job", "b"}} }, "--label=job: is given twice"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Output: "x", Interval: time.Hour}
			c.change(&o)
			err := o.Validate(now)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
