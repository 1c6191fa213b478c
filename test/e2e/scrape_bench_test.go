package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// BenchmarkProcessScrape scrapes the binary, with gzip, on an account of 10,000
// customers with quotas, 3,000 of whose rooms are live:
//
//	nothing changed  one scrape right after another
//	events           after events for a quarter of the live rooms. The pending minutes
//	                 of a live room rise once a minute, so in 15 s as many rooms change
//	poll             after events, and after a poll that found 500 rooms in use
//
// The baseline is the same series, as the exporter exposed them, in client_golang's
// vectors, which promhttp serves with gzip from a process of its own. It is measured in
// the same run: x-vectors compares the time to the end of the answer, x-vectors-cpu the
// processor time that the serving process took for it.
//
// With -short the account is a twentieth of that.
func BenchmarkProcessScrape(b *testing.B) {
	a := scrapeAccount{customers: 10_000, live: 3_000, interval: 10 * time.Second}
	if testing.Short() {
		a = scrapeAccount{customers: 500, live: 150, interval: time.Second}
	}
	e := a.start(b)
	exposed := filepath.Join(b.TempDir(), "metrics")
	series := save(b, e.base+"/metrics", exposed)
	address := programs.FreeAddress(b)
	vectors := start(b, []string{vectorsServerVariable + "=" + address}, os.Args[0], exposed)
	programs.Eventually(b, time.Minute, "the vectors are served", func() error {
		_, err := scrapeGzip(b.Context(), "http://"+address)
		return err
	})
	var baseline scrapeCost
	const baselineScrapes = 5
	for range baselineScrapes {
		baseline.add(b, vectors, "http://"+address)
	}

	bench := func(name string, change func()) {
		b.Run(name, func(b *testing.B) {
			var own scrapeCost
			for b.Loop() {
				b.StopTimer()
				change()
				b.StartTimer()
				own.add(b, e.process, e.base+"/metrics")
			}
			b.ReportMetric(baseline.milliseconds(baseline.wall)/own.milliseconds(own.wall), "x-vectors")
			b.ReportMetric(baseline.milliseconds(baseline.cpu)/own.milliseconds(own.cpu), "x-vectors-cpu")
			b.ReportMetric(baseline.milliseconds(baseline.cpu), "vectors-cpu-ms")
			b.ReportMetric(own.milliseconds(own.cpu), "cpu-ms/op")
			b.ReportMetric(float64(own.bytes)/float64(own.scrapes)/1024, "KiB/op")
			b.ReportMetric(float64(series), "series")
			b.ReportMetric(memory(b, e.cmd.Process.Pid, "VmRSS"), "RSS-MiB")
			b.ReportMetric(memory(b, e.cmd.Process.Pid, "VmHWM"), "peak-MiB")
		})
	}
	bench("nothing changed", func() {})
	bench("events", func() { a.events(b, e, a.live/4) })
	bench("poll", func() {
		a.poll(b, e, a.customers/20)
		a.events(b, e, a.live/4)
	})
}

// scrapeAccount is the account of the benchmark: one room for each customer.
type scrapeAccount struct {
	customers, live int
	interval        time.Duration // of polls

	account *wherebytest.Account
	sent    int   // events
	used    int   // rooms since the first poll
	minutes int64 // of the first customer
}

func customerPrefix(i int) string { return fmt.Sprintf("customer%05d-", i) }
func customerRoom(i int) string {
	return fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", customerPrefix(i), uint32(i)*2654435761, i)
}

// start runs the exporter until all figures are there.
func (a *scrapeAccount) start(b testing.TB) receiver {
	b.Helper()
	var api string
	// The points are as many as an organization has, so that no more is read between
	// scrapes than in reality.
	a.account, api = newAccount(b, wherebytest.Config{NoRequestLog: true})
	now := time.Now()
	var file strings.Builder
	file.WriteString("customers:\n")
	for i := range a.customers {
		a.account.AddRoom(wherebytest.Room{
			Name: customerRoom(i), CreatedAt: now.Add(-time.Hour), FirstSession: now.Add(-time.Hour), LastSession: now.Add(-time.Hour),
			Totals: wherebytest.Totals{ParticipantMinutes: int64(i % 300), RecorderMinutes: int64(i % 7), Sessions: 1 + int64(i%3)},
		})
		fmt.Fprintf(&file, "  - {room_prefix: %s, name: Customer %d, quotas: {participant_minutes: 50000}}\n", customerPrefix(i), i)
	}
	config := filepath.Join(b.TempDir(), "whereby.yml")
	if err := os.WriteFile(config, []byte(file.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	e := startReceiver(b, programs.FreeAddress(b), programs.FreeAddress(b), b.TempDir(), api, "--config.file="+config,
		"--whereby.rate-limit-share=1", "--whereby.read-cost=1", "--poll.interval="+a.interval.String(), "--log.level=error")
	programs.Eventually(b, time.Minute, "it is ready", e.ready)
	programs.Eventually(b, 2*time.Minute, "the quotas", func() error {
		known, err := e.count(b, "whereby_quota_used", `resource="participant_minutes"`)
		if err == nil && known < a.customers {
			err = fmt.Errorf("those of %d of %d prefixes", known, a.customers)
		}
		return err
	})
	a.events(b, e, a.live)
	live, err := e.count(b, "whereby_live_participants", "} 1")
	if err != nil || live != a.live {
		b.Fatalf("%d live rooms, want %d (%v)", live, a.live, err)
	}
	return e
}

// events has visitors join n of the live rooms.
func (a *scrapeAccount) events(b testing.TB, e receiver, n int) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: webhookConnections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	var wg sync.WaitGroup
	next := make(chan int)
	for range webhookConnections {
		wg.Go(func() {
			for number := range next {
				// The live rooms are spread over the customers.
				room := customerRoom(number % a.live * a.customers / a.live)
				if status := deliver(client, e.webhook, joined(fmt.Sprintf("s-%d", number), room, 1+number/a.live)); status != http.StatusNoContent {
					b.Errorf("event %d: status %d", number, status)
				}
			}
		})
	}
	for range n {
		next <- a.sent
		a.sent++
	}
	close(next)
	wg.Wait()
}

// poll has n rooms used, and waits until the exporter shows it.
func (a *scrapeAccount) poll(b *testing.B, e receiver, n int) {
	b.Helper()
	now := time.Now()
	for range n {
		// Spread over all customers, the first one among them each time.
		a.account.Use(customerRoom(a.used%n*a.customers/n), wherebytest.Totals{ParticipantMinutes: 10, Sessions: 1}, now)
		a.used++
	}
	a.minutes += 10
	want := fmt.Sprintf("%q} %d", customerPrefix(0), a.minutes)
	programs.Eventually(b, time.Minute, "the poll", func() error {
		if found, err := e.count(b, "whereby_participant_minutes_total", want); err != nil || found != 1 {
			return fmt.Errorf("found %q %d times, %w", want, found, err)
		}
		return nil
	})
}

// count returns how many samples of a family contain a text. It asks for that family
// alone.
func (e receiver) count(b testing.TB, family, text string) (int, error) {
	b.Helper()
	status, body, err := get(b.Context(), e.base+"/metrics?name[]="+family)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	return strings.Count(body, text), err
}

// save writes a scrape to a file, and returns how many series it has.
func save(b *testing.B, address, file string) int {
	b.Helper()
	status, body, err := get(b.Context(), address)
	if err != nil || status != http.StatusOK {
		b.Fatalf("scrape: %d, %v", status, err)
	}
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		b.Fatal(err)
	}
	return strings.Count(body, "\n") - strings.Count("\n"+body, "\n#")
}

// scrapeGzip scrapes as Prometheus does and returns the size of what was sent.
func scrapeGzip(ctx context.Context, address string) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4")
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Encoding") != "gzip" {
		return 0, fmt.Errorf("status %s, coding %q", response.Status, response.Header.Get("Content-Encoding"))
	}
	return io.Copy(io.Discard, response.Body)
}

// scrapeCost sums what scrapes cost.
type scrapeCost struct {
	scrapes   int
	bytes     int64
	wall, cpu time.Duration
}

func (c *scrapeCost) add(b *testing.B, p *process, address string) {
	b.Helper()
	cpu, began := cpuTime(b, p.cmd.Process.Pid), time.Now()
	n, err := scrapeGzip(b.Context(), address)
	if err != nil {
		b.Fatal(err)
	}
	c.wall += time.Since(began)
	c.cpu += cpuTime(b, p.cmd.Process.Pid) - cpu
	c.bytes += n
	c.scrapes++
}

func (c *scrapeCost) milliseconds(sum time.Duration) float64 {
	return float64(sum.Microseconds()) / 1000 / float64(c.scrapes)
}

// cpuTime is what the threads of a process have run for.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		b.Skipf("no figures on processor time here: %v", err)
	}
	var sum time.Duration
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		first, _, _ := strings.Cut(string(content), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatalf("%s: %v", file, err)
		}
		sum += time.Duration(ns)
	}
	return sum
}
