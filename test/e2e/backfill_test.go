package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// year returns an account a past of a year, and some meetings that go on now.
func year(t testing.TB, account *wherebytest.Account) (rooms []string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	now := time.Now()
	for i := range 300 {
		prefix := []string{"acme-", "acme-eu-", "globex-", "initech-", ""}[random.IntN(5)]
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, random.Uint32(), i)
		account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now.AddDate(-1, 0, 0)})
		rooms = append(rooms, name)
		meetings := 1
		if i%5 == 0 {
			meetings = 50 + random.IntN(150)
		}
		for range meetings {
			start := now.Add(-time.Duration(random.Int64N(int64(365 * 24 * time.Hour))))
			session := wherebytest.Session{Start: start, End: start.Add(10*time.Minute + time.Duration(random.Int64N(int64(2*time.Hour))))}
			session.Participants = make([]wherebytest.Participant, 2+random.IntN(5))
			if random.IntN(4) == 0 {
				session.Participants = append(session.Participants, wherebytest.Participant{Role: wherebytest.RoleRecorder})
			}
			account.Schedule(name, session)
		}
		if i%30 == 0 {
			account.Schedule(name, wherebytest.Session{Start: now.Add(-4 * time.Hour), End: now.Add(time.Hour), Participants: make([]wherebytest.Participant, 3)})
		}
	}
	return rooms
}

// startBackfill runs the command as a user would.
func startBackfill(t testing.TB, api, output string, args ...string) *process {
	t.Helper()
	args = append([]string{"backfill", "--whereby.url=" + api, "--output=" + output}, args...)
	return start(t, []string{"WHEREBY_API_KEY=" + apiKey}, build(t, programs.Exporter), args...)
}

// backfill runs the command to its end, and gives its files.
func backfill(t testing.TB, api, output string, args ...string) []string {
	t.Helper()
	p := startBackfill(t, api, output, args...)
	if err := p.wait(5 * time.Minute); err != nil {
		t.Fatalf("backfill: %v\n%s", err, p.out)
	}
	return outputs(t, output)
}

func outputs(t testing.TB, output string) []string {
	t.Helper()
	files := []string{output}
	for i := 1; ; i++ {
		file := fmt.Sprintf("%s.%d", output, i)
		if _, err := os.Stat(file); err != nil {
			break
		}
		files = append(files, file)
	}
	if _, err := os.Stat(output + ".partial"); err == nil {
		t.Error("the work directory is left")
	}
	return files
}

// promtool runs promtool and fails with what it prints.
func promtool(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command(build(t, programs.Promtool), args...).CombinedOutput(); err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, tail(string(out), 20))
	}
}

// prometheusOver starts a Prometheus over a directory that holds blocks.
func prometheusOver(t testing.TB, data, target string) prometheus {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte(readmeConfig(t, target)), 0o600); err != nil {
		t.Fatal(err)
	}
	address := programs.FreeAddress(t)
	p := prometheus{base: "http://" + address, process: start(t, nil, build(t, programs.Prometheus),
		"--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=2y",
		"--web.listen-address="+address, "--log.level=warn")}
	programs.Eventually(t, patience, "Prometheus is ready", func() error {
		status, _, err := get(t.Context(), p.base+"/-/ready")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	return p
}

// series runs a query at every step of a time, and gives values by prefix and time.
func (p prometheus) series(query string, from, to time.Time, step time.Duration) map[string]map[int64]float64 {
	p.t.Helper()
	values := url.Values{"query": {query}, "start": {strconv.FormatInt(from.Unix(), 10)}, "end": {strconv.FormatInt(to.Unix(), 10)}, "step": {step.String()}}
	status, body, err := get(p.t.Context(), p.base+"/api/v1/query_range?"+values.Encode())
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("query %s: %d %s, %v", query, status, body, err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		p.t.Fatal(err)
	}
	series := map[string]map[int64]float64{}
	for _, result := range answer.Data.Result {
		prefix := result.Metric["room_prefix"]
		if series[prefix] != nil {
			p.t.Fatalf("%s has two series of %s", query, prefix)
		}
		series[prefix] = map[int64]float64{}
		for _, pair := range result.Values {
			value, err := strconv.ParseFloat(pair[1].(string), 64)
			if err != nil {
				p.t.Fatal(err)
			}
			series[prefix][int64(pair[0].(float64))] = value
		}
	}
	return series
}

// sessionFigures are what a session counts in each family.
var sessionFigures = map[string]func(wherebytest.SessionTruth) int64{
	"whereby_participant_minutes_total": func(s wherebytest.SessionTruth) int64 { return s.Totals.ParticipantMinutes },
	"whereby_recorder_minutes_total":    func(s wherebytest.SessionTruth) int64 { return s.Totals.RecorderMinutes },
	"whereby_streamer_minutes_total":    func(s wherebytest.SessionTruth) int64 { return s.Totals.StreamerMinutes },
	"whereby_sessions_total":            func(wherebytest.SessionTruth) int64 { return 1 },
}

// past sums the sessions that were over by a time, by prefix, within a span of their
// starts.
func past(account *wherebytest.Account, rooms []string, over, from, to time.Time, figure func(wherebytest.SessionTruth) int64) map[string]float64 {
	sums := map[string]float64{}
	for _, room := range rooms {
		for _, s := range account.Sessions(room) {
			if !s.EndedAt.IsZero() && !s.EndedAt.After(over) && s.StartedAt.After(from) && !s.StartedAt.After(to) {
				sums[prefixOf(room)] += float64(figure(s))
			}
		}
	}
	return sums
}

// TestBackfill gives a Prometheus a year of history next to a running exporter, and asks
// it about every day, about the seam, and for what the bundled rules would have recorded.
func TestBackfill(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	rooms := year(t, account)
	address, dir := programs.FreeAddress(t), t.TempDir()
	data, output := filepath.Join(dir, "data"), filepath.Join(dir, "usage.om")

	// README's commands, for an exporter at another address.
	end := time.Now().Add(-3 * time.Hour)
	for _, file := range backfill(t, api, output, "--label=job=whereby", "--label=instance="+address) {
		promtool(t, "tsdb", "create-blocks-from", "--max-block-duration=162h", "openmetrics", file, data)
	}
	startExporter(t, address, api, "--storage.path="+t.TempDir())
	p := prometheusOver(t, data, address)
	p.expectTruth(account)

	grid := end.Truncate(15 * time.Minute)
	seam := end.Add(-time.Hour)
	midnight := grid.Truncate(24 * time.Hour)
	t.Run("every day is the account's", func(t *testing.T) {
		p := prometheus{process: p.in(t), base: p.base}
		for family, figure := range sessionFigures {
			got := p.series(family+" - ("+family+" offset 1d or "+family+" * 0)", midnight.AddDate(-1, 0, 1), midnight, 24*time.Hour)
			total := 0.0
			for at := midnight.AddDate(-1, 0, 1); !at.After(midnight); at = at.AddDate(0, 0, 1) {
				for prefix, want := range past(account, rooms, seam, at.AddDate(0, 0, -1), at, figure) {
					if got[prefix][at.Unix()] != want {
						t.Errorf("%s of %s on the day before %v is %v, want %v", family, prefix, at, got[prefix][at.Unix()], want)
					}
					total += want
				}
			}
			if total == 0 && family != "whereby_streamer_minutes_total" {
				t.Errorf("the year has no %s", family)
			}
		}
	})
	t.Run("the seam shows no step", func(t *testing.T) {
		p := prometheus{process: p.in(t), base: p.base}
		for family, figure := range counters {
			resets, err := p.query("resets("+family+"[1d])", "room_prefix")
			if err != nil {
				t.Fatal(err)
			}
			grown, err := p.query(fmt.Sprintf("%s - (%s @ %d)", family, family, grid.Unix()), "room_prefix")
			if err != nil {
				t.Fatal(err)
			}
			increase, err := p.query("increase("+family+"[5h])", "room_prefix")
			if err != nil {
				t.Fatal(err)
			}
			before := past(account, rooms, seam, time.Time{}, grid, sessionFigures[family])
			for prefix, truth := range account.Truth(prefixOf) {
				want := float64(figure(truth)) - before[prefix]
				// The exporter is at most a poll behind.
				if got := grown[prefix]; resets[prefix] != 0 || got > want || got < want-100 {
					t.Errorf("%s of %s grew by %v over the seam, want %v, with %v resets", family, prefix, got, want, resets[prefix])
				}
				five := float64(figure(truth)) - past(account, rooms, seam, time.Time{}, time.Now().Add(-5*time.Hour), sessionFigures[family])[prefix]
				if got := increase[prefix]; got > five*1.1+1 {
					t.Errorf("the increase of %s of %s over the seam is %v, and %v was used", family, prefix, got, five)
				}
			}
		}
	})
	t.Run("the bundled rules run over it", func(t *testing.T) {
		rules := t.TempDir()
		if out, err := exec.Command(build(t, programs.Exporter), "alerts", "--output-dir="+rules).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		p := p
		record := func(from time.Time) {
			blocks := filepath.Join(dir, "blocks")
			promtool(t, "tsdb", "create-blocks-from", "--max-block-duration=162h", "rules", "--url="+p.base, "--start="+from.Format(time.RFC3339),
				"--end="+midnight.Format(time.RFC3339), "--output-dir="+blocks, filepath.Join(rules, "whereby-usage.yml"))
			p.stop() // so that the next one has the blocks at once
			made, err := os.ReadDir(blocks)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range made {
				if err := os.Rename(filepath.Join(blocks, block.Name()), filepath.Join(data, block.Name())); err != nil {
					t.Fatal(err)
				}
			}
			p = prometheusOver(t, data, address)
		}
		// The second rule reads three weeks of what the first records.
		record(midnight.AddDate(0, 0, -23))
		record(midnight.AddDate(0, 0, -1))
		day := func(prefix string, end time.Time) float64 {
			return past(account, rooms, seam, end.AddDate(0, 0, -1), end, sessionFigures["whereby_participant_minutes_total"])[prefix]
		}
		// promtool evaluates some seconds past each minute, so ask some minutes past the hour.
		const past5 = 5 * time.Minute
		from := midnight.AddDate(0, 0, -1)
		increases := p.series("job_room_prefix:whereby_participant_minutes:increase1d", from.Add(past5), midnight, 2*time.Hour)
		medians := p.series("job_room_prefix:whereby_participant_minutes:increase1d_median3w", from.Add(past5), midnight, 2*time.Hour)
		for prefix := range account.Truth(prefixOf) {
			for at := from; at.Before(midnight); at = at.Add(2 * time.Hour) {
				weeks := []float64{day(prefix, at.AddDate(0, 0, -7)), day(prefix, at.AddDate(0, 0, -14)), day(prefix, at.AddDate(0, 0, -21))}
				slices.Sort(weeks)
				asked := at.Add(past5).Unix()
				if got, want := increases[prefix][asked], day(prefix, at); got != want {
					t.Errorf("recorded for %s at %v: %v, want %v", prefix, at, got, want)
				}
				if got := medians[prefix][asked]; got != weeks[1] {
					t.Errorf("the median recorded for %s at %v is %v, want %v", prefix, at, got, weeks[1])
				}
			}
		}
	})
}

// in returns the same process for a subtest, which is failed then.
func (p *process) in(t testing.TB) *process {
	other := *p
	other.t = t
	return &other
}

// TestBackfillSurvivesKill kills the command again and again at random requests.
func TestBackfillSurvivesKill(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	year(t, account)
	dir := t.TempDir()
	args := []string{"--end=" + time.Now().Add(-3*time.Hour).Format(time.RFC3339), "--interval=1h", "--concurrency", "--label=job=whereby"}
	undisturbed := backfill(t, api, filepath.Join(dir, "undisturbed"), args...)
	requests := len(account.Requests())

	seed := rand.Uint64()
	t.Logf("seed of the kills %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var victim atomic.Pointer[os.Process]
	var left atomic.Int64
	account.OnRequest(func(int, *http.Request) {
		if left.Add(-1) == 0 {
			_ = victim.Load().Kill()
		}
	})
	defer account.OnRequest(nil)
	output := filepath.Join(dir, "killed")
	kills := 0
	for {
		left.Store(1 << 40)
		p := startBackfill(t, api, output, args...)
		victim.Store(p.cmd.Process)
		left.Store(20 + random.Int64N(int64(requests/3)))
		if err := p.wait(2 * time.Minute); err == nil {
			break
		} else if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("%v\n%s", err, p.out)
		}
		if kills++; kills > 100 {
			t.Fatal("it never ends")
		}
		if _, err := os.Stat(output); err == nil {
			t.Fatal("the output is there before it is complete")
		}
	}
	t.Logf("%d kills within %d requests", kills, requests)
	got := outputs(t, output)
	if kills == 0 || len(got) != len(undisturbed) {
		t.Fatalf("%d kills, %d files, want %d", kills, len(got), len(undisturbed))
	}
	for i := range got {
		a, err1 := os.ReadFile(got[i])
		b, err2 := os.ReadFile(undisturbed[i])
		if err1 != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s is not %s (%v, %v)", got[i], undisturbed[i], err1, err2)
		}
	}
}

// TestBackfillStops asks it to, by SIGTERM.
func TestBackfillStops(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: 100})
	year(t, account)
	output := filepath.Join(t.TempDir(), "usage.om")
	p := startBackfill(t, api, output)
	programs.Eventually(t, patience, "it waits for points", func() error {
		if n := len(account.Requests()); n < 18 {
			return fmt.Errorf("%d requests", n)
		}
		return nil
	})
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.wait(onABusyMachine(t, 5*time.Second)); err == nil || !strings.Contains(p.out.String(), "stopped; what was read so far is kept") {
		t.Errorf("%v\n%s", err, p.out)
	}
	if n := wherebytest.MostPoints(account.Requests(), time.Minute); n > 26 {
		t.Errorf("%d points in a minute; its share is 25, and one request may come on top", n)
	}
}

// TestBackfillSaysWhatIsWrong in one line.
func TestBackfillSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, api := newAccount(t, wherebytest.Config{})
	dir := t.TempDir()
	for name, c := range map[string]struct {
		key, want string
		args      []string
	}{
		"a wrong key":       {"wrong", "Whereby refused the API key (HTTP 401)", nil},
		"no key":            {"", "no API key", nil},
		"a bad time":        {apiKey, "--end", []string{"--end=yesterday"}},
		"the future":        {apiKey, "is in the future", []string{"--end=2999-01-01T00:00:00Z"}},
		"the wrong way":     {apiKey, "must be after --start", []string{"--start=2026-01-02T00:00:00Z", "--end=2026-01-01T00:00:00Z"}},
		"half a label":      {apiKey, "--label=job: must be NAME=VALUE", []string{"--label=job"}},
		"an odd interval":   {apiKey, "must divide a day", []string{"--interval=7m"}},
		"an output nowhere": {apiKey, "no such file or directory", []string{"--output=" + filepath.Join(dir, "nowhere", "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"backfill", "--whereby.url=" + api, "--output=" + filepath.Join(dir, "usage.om")}, c.args...)
			p := start(t, []string{"WHEREBY_API_KEY=" + c.key}, build(t, programs.Exporter), args...)
			if err := p.wait(patience); err == nil || p.cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("it ended with %v", err)
			}
			if said := p.out.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, c.want) {
				t.Errorf("it said %q, want a line with %q", said, c.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// BenchmarkBackfillMemory reads a million sessions (100,000 with -short).
func BenchmarkBackfillMemory(b *testing.B) {
	rooms := 10_000
	if testing.Short() {
		rooms = 1_000
	}
	account, api := newAccount(b, wherebytest.Config{PointsPerMinute: unlimited, NoRequestLog: true})
	now := time.Now()
	for i := range rooms {
		first := now.AddDate(0, -1, -i%7).Add(-time.Duration(i) * time.Second)
		account.AddRoom(wherebytest.Room{
			Name: fmt.Sprintf("/customer%d-%08x-0000-4000-8000-%012x", i%200, i, i), CreatedAt: first,
			Totals: wherebytest.Totals{Sessions: 100, ParticipantMinutes: 4000}, FirstSession: first, LastSession: now.Add(-time.Duration(4*60+i%300) * time.Minute),
		})
	}
	for b.Loop() {
		output := filepath.Join(b.TempDir(), "usage.om")
		p := startBackfill(b, api, output)
		if err := p.wait(10 * time.Minute); err != nil {
			b.Fatalf("%v\n%s", err, p.out)
		}
		if !strings.Contains(p.out.String(), fmt.Sprintf("%d sessions with", 100*rooms)) {
			b.Errorf("it said:\n%s", p.out)
		}
		usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			b.Skip("no figures on memory here")
		}
		peak := float64(usage.Maxrss) / 1024
		b.ReportMetric(peak, "peak-MiB")
		if peak > 256 {
			b.Errorf("peak of %.0f MiB, want 256 at most", peak)
		}
	}
}
