package backfill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// bench is an account with a past, and a place for its history.
type bench struct {
	t       *testing.T
	random  *rand.Rand
	account *wherebytest.Account
	rooms   []string
	log     bytes.Buffer
	options Options
	// edit changes answers, by the path; nil does not.
	edit func(r *http.Request, body []byte) []byte
}

func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.account.RoundTripper().RoundTrip(r)
	if err != nil || b.edit == nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b.edit(r, body)))
	return resp, err
}

func newBench(t *testing.T, c wherebytest.Config) *bench {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	b := &bench{t: t, random: rand.New(rand.NewPCG(seed, 0)), account: wherebytest.New(c)}
	b.options = Options{
		File: config.Default(), Output: filepath.Join(t.TempDir(), "usage.om"),
		Interval: 15 * time.Minute, Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	return b
}

// run runs with a client and budget of its own, as another process would.
func (b *bench) run(ctx context.Context) (*Summary, error) {
	budget, err := whereby.NewBudget(0.25)
	if err != nil {
		b.t.Fatal(err)
	}
	o := b.options
	o.Client = &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: b}, Budget: budget}
	return Run(ctx, o)
}

// mustRun runs, and reads the files and deletes them.
func (b *bench) mustRun() (*Summary, []string) {
	b.t.Helper()
	s, err := b.run(b.t.Context())
	if err != nil {
		b.t.Fatalf("%v\n%s", err, &b.log)
	}
	return s, b.take(s)
}

func (b *bench) take(s *Summary) (files []string) {
	b.t.Helper()
	for i := range s.Files {
		path := b.options.Output
		if i > 0 {
			path += "." + strconv.Itoa(i)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			b.t.Fatal(err)
		}
		files = append(files, string(content))
		os.Remove(path)
	}
	if left, _ := os.ReadDir(filepath.Dir(b.options.Output)); len(left) > 0 {
		b.t.Errorf("%d files are left", len(left))
	}
	return files
}

func (b *bench) room(prefix string) string {
	name := fmt.Sprintf("/%s%08x-%04x-4000-8000-%012x", prefix, b.random.Uint32(), len(b.rooms), b.random.Uint64()>>16)
	b.rooms = append(b.rooms, name)
	b.account.AddRoom(wherebytest.Room{Name: name, CreatedAt: time.Now().AddDate(-1, 0, 0)})
	return name
}

// furnish gives rooms of all kinds a past of some days.
func (b *bench) furnish(rooms int, days int) {
	prefixes := []string{"acme-", "acme-eu-", "globex-", "initech-", ""}
	past := time.Duration(days) * day
	for i := range rooms {
		name := b.room(prefixes[b.random.IntN(len(prefixes))])
		meetings := 0
		switch i % 4 {
		case 0:
			meetings = 1
		case 1:
			meetings = b.random.IntN(30)
		case 2:
			meetings = b.random.IntN(3)
		}
		at := time.Now().Add(-past + b.duration(past/2))
		for range meetings {
			length := 10*time.Minute + b.duration(3*time.Hour)
			session := wherebytest.Session{Start: at, End: at.Add(length)}
			for range 2 + b.random.IntN(4) {
				joined := at.Add(b.duration(length / 2))
				session.Participants = append(session.Participants, wherebytest.Participant{Joined: joined, Left: joined.Add(b.duration(length / 2))})
			}
			if b.random.IntN(3) == 0 {
				session.Participants = append(session.Participants, wherebytest.Participant{Role: whereby.RoleRecorder}, wherebytest.Participant{Role: whereby.RoleAssistant})
			}
			b.account.Schedule(name, session)
			at = at.Add(length + time.Minute + b.duration(past/20))
			if at.After(time.Now().Add(day)) {
				break
			}
		}
	}
}

func (b *bench) duration(d time.Duration) time.Duration {
	return time.Duration(b.random.Int64N(int64(d))).Truncate(time.Millisecond)
}

func prefixOf(name string) string {
	if prefix, ok := whereby.RoomPrefix(name); ok && prefix != "" {
		return prefix
	}
	return "_none"
}

// event is a session that belongs to a history.
type event struct {
	start time.Time
	figures
}

// truth returns the sessions that were over by the seam, by prefix.
func (b *bench) truth(end time.Time) map[string][]event {
	all := map[string][]event{}
	for _, name := range b.rooms {
		for _, s := range b.account.Sessions(name) {
			if !s.EndedAt.IsZero() && !s.EndedAt.After(end.Add(-SeamAge)) {
				all[prefixOf(name)] = append(all[prefixOf(name)], event{s.StartedAt, figures{
					s.Totals.ParticipantMinutes, s.Totals.RecorderMinutes, s.Totals.StreamerMinutes, 1}})
			}
		}
	}
	return all
}

// valueAt sums what had started by a time.
func valueAt(events []event, at time.Time) (sum figures) {
	for _, e := range events {
		if !e.start.After(at) {
			sum = sum.add(e.figures)
		}
	}
	return sum
}

// sample is a line.
type sample struct{ at, value int64 }

// parse reads files as strictly as OpenMetrics are meant, and joins their series, which
// are known by the line up to the value.
func parse(t *testing.T, files []string) map[string][]sample {
	t.Helper()
	series := map[string][]sample{}
	last := map[string]int64{}
	for _, content := range files {
		body, ok := strings.CutSuffix(content, "# EOF\n")
		if !ok {
			t.Fatal("a file does not end in # EOF")
		}
		family := ""
		seen := map[string]bool{}
		for line := range strings.Lines(body) {
			line = strings.TrimSuffix(line, "\n")
			if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
				family, _, _ = strings.Cut(rest, " ")
				if seen[family] {
					t.Errorf("family %s is in two parts", family)
				}
				seen[family] = true
				continue
			}
			if strings.HasPrefix(line, "#") {
				if !strings.HasPrefix(line, "# TYPE "+family+" ") {
					t.Errorf("%q within %s", line, family)
				}
				continue
			}
			fields := strings.Fields(line)
			if len(fields) != 3 || !strings.HasPrefix(line, family+"_total{") && !strings.HasPrefix(line, family+"{") {
				t.Fatalf("%q within %s", line, family)
			}
			value, err1 := valueOf(fields[0], fields[1])
			at, err2 := strconv.ParseInt(fields[2], 10, 64)
			if err1 != nil || err2 != nil {
				t.Fatalf("%q: %v, %v", line, err1, err2)
			}
			if at <= last[fields[0]] {
				t.Fatalf("%q comes after %d", line, last[fields[0]])
			}
			last[fields[0]] = at
			series[fields[0]] = append(series[fields[0]], sample{at, value})
		}
	}
	return series
}

// valueOf returns a sample's value: of costs and of seconds, in millionths.
func valueOf(name, text string) (int64, error) {
	if !strings.HasPrefix(name, metrics.Cost.Name) && !strings.HasPrefix(name, metrics.TranscriptionSeconds.Name) {
		return strconv.ParseInt(text, 10, 64)
	}
	value, err := strconv.ParseFloat(text, 64)
	return int64(math.Round(value * 1e6)), err
}

// expectTruth compares every sample with the account, and that none is missing.
func (b *bench) expectTruth(files []string, end time.Time) {
	b.t.Helper()
	series := parse(b.t, files)
	truth := b.truth(end)
	step := int64(b.options.Interval / time.Second)
	want := 0
	for prefix, events := range truth {
		first := slices.MinFunc(events, func(a, b event) int { return a.start.Compare(b.start) }).start
		if valueAt(events, end.Truncate(b.options.Interval)) == (figures{}) {
			continue
		}
		want += 4
		for i, m := range counters {
			name := m.Name + labelText(prefix, b.options.Labels)
			samples := series[strings.TrimSpace(name)]
			if len(samples) == 0 {
				b.t.Fatalf("%s is missing", name)
			}
			if !b.options.Start.IsZero() {
				first = b.options.Start
			} else if samples[0].value != 0 || first.Unix()-samples[0].at > step {
				b.t.Errorf("%s begins with %v, and its first session at %v", name, samples[0], first.Unix())
			}
			for j, s := range samples {
				if j > 0 && s.at != samples[j-1].at+step {
					b.t.Fatalf("%s has a gap before %d", name, s.at)
				}
				if want := valueAt(events, time.Unix(s.at, 0))[i]; s.value != want {
					b.t.Fatalf("%s is %d at %d, want %d", name, s.value, s.at, want)
				}
			}
			if last := samples[len(samples)-1].at; last != end.Truncate(b.options.Interval).Unix() {
				b.t.Errorf("%s ends at %d, want %d", name, last, end.Truncate(b.options.Interval).Unix())
			}
		}
	}
	got := 0
	for name := range series {
		if !strings.HasPrefix(name, PeakMetric) && !strings.HasPrefix(name, metrics.Cost.Name) && !strings.HasPrefix(name, metrics.TranscriptionSeconds.Name) {
			got++
		}
	}
	if got != want {
		b.t.Errorf("%d series, want %d", got, want)
	}
}

// parseSeconds returns the values of the series of transcriptions, one after another.
func parseSeconds(t *testing.T, files []string) map[string][]string {
	t.Helper()
	series := map[string][]string{}
	for _, content := range files {
		for line := range strings.Lines(content) {
			if fields := strings.Fields(line); len(fields) == 3 && strings.HasPrefix(line, metrics.TranscriptionSeconds.Name+"{") {
				series[fields[0]] = append(series[fields[0]], fields[1])
			}
		}
	}
	return series
}
