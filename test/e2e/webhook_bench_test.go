package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// emptyServerVariable makes the test's own binary an HTTP server whose handler does
// nothing: the baseline, in a process of its own as the exporter is.
const emptyServerVariable = "EMPTY_SERVER_ADDRESS"

// serveNothing is the baseline's process.
func serveNothing(address string) {
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

const webhookConnections = 64

// loadCost is what a load came to.
type loadCost struct {
	took      time.Duration
	latencies []time.Duration // of each event
	// server and client are the processor time of either process.
	server, client time.Duration
}

func (c *loadCost) add(o loadCost) {
	c.took += o.took
	c.latencies = append(c.latencies, o.latencies...)
	c.server += o.server
	c.client += o.client
}

// rate is in events a second.
func (c *loadCost) rate() float64 { return float64(len(c.latencies)) / c.took.Seconds() }

// each returns the part of a time that an event took, in microseconds.
func (c *loadCost) each(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(len(c.latencies))
}

func (c *loadCost) p99() time.Duration {
	slices.Sort(c.latencies)
	return c.latencies[len(c.latencies)*99/100]
}

// loadClient keeps 64 connections to a server.
func loadClient(b *testing.B) *http.Client {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: webhookConnections, MaxConnsPerHost: webhookConnections}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

// load posts signed events over 64 connections to a server for a while. Answers other
// than 204 are an error.
func load(b *testing.B, client *http.Client, server *process, address string, run int, d time.Duration) loadCost {
	b.Helper()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		cost   loadCost
		failed atomic.Int64
	)
	serverCPU, clientCPU := cpuTime(b, server.cmd.Process.Pid), cpuTime(b, os.Getpid())
	began := time.Now()
	for connection := range webhookConnections {
		wg.Go(func() {
			var mine []time.Duration
			for n := 0; time.Since(began) < d; n++ {
				body := joined(fmt.Sprintf("b-%d-%d-%d", run, connection, n), fmt.Sprintf("/acme-%d", connection*100+n%100), 1+n%5)
				sent := time.Now()
				if status := deliver(client, address, body); status != http.StatusNoContent {
					failed.Add(1)
				}
				mine = append(mine, time.Since(sent))
			}
			mu.Lock()
			defer mu.Unlock()
			cost.latencies = append(cost.latencies, mine...)
		})
	}
	wg.Wait()
	cost.took = time.Since(began)
	cost.server, cost.client = cpuTime(b, server.cmd.Process.Pid)-serverCPU, cpuTime(b, os.Getpid())-clientCPU
	if n := failed.Load(); n > 0 {
		b.Errorf("%d of %d events were not acknowledged", n, len(cost.latencies))
	}
	return cost
}

// forge posts forged events at about 10 MiB a second until stop is closed.
func forge(address string, stop <-chan struct{}) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	body := strings.Repeat("x", 100<<10)
	ticker := time.NewTicker(10 * time.Millisecond) // 100 times 100 KiB a second
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			request, err := http.NewRequest(http.MethodPost, "http://"+address+"/webhook", strings.NewReader(body))
			if err != nil {
				return
			}
			request.Header.Set(whereby.SignatureHeader, whereby.Sign("guess", []byte("another body"), time.Now()))
			if response, err := client.Do(request); err == nil {
				_ = response.Body.Close()
			}
		}
	}
}

// BenchmarkWebhooks reports the rate at which the binary makes signed events
// durable over 64 connections, against that of an empty net/http handler in a
// process of its own on the same machine, measured in the same run; and the 99th
// percentile of the time to the answer. It fails below half of the empty handler's rate, or if
// the percentile is 50 ms or more. The second time, 10 MiB of forged requests a second come in
// addition, and nothing is promised.
//
// Rates are those of a machine that runs the client too, and other processes change them.
// So the servers take turns and meet the same others, and the middle one of the turns counts.
// It also reports the processor time of an event, in either server and in its client, which
// does the forging too: %-of-empty-cpu is the ratio of rates that follows from it if nothing
// waits.
func BenchmarkWebhooks(b *testing.B) {
	const turns = 21
	duration := 500 * time.Millisecond // of a turn
	if testing.Short() {
		duration = 50 * time.Millisecond
	}
	for _, forged := range []bool{false, true} {
		b.Run(fmt.Sprintf("forged with %v", forged), func(b *testing.B) {
			empty := programs.FreeAddress(b)
			nothing := start(b, []string{emptyServerVariable + "=" + empty}, os.Args[0])
			_, api := newAccount(b, wherebytest.Config{})
			address, webhook := programs.FreeAddress(b), programs.FreeAddress(b)
			e := startReceiver(b, address, webhook, b.TempDir(), api)
			for _, base := range []string{"http://" + empty, "http://" + webhook + "/-/healthy"} {
				programs.Eventually(b, time.Minute, "it listens", func() error {
					_, _, err := get(b.Context(), base)
					return err
				})
			}
			toEmpty, toOwn := loadClient(b), loadClient(b)
			run := 0
			for b.Loop() {
				var (
					baseline, own loadCost
					ratios        []float64 // of the rates of each turn
				)
				for range turns {
					base := load(b, toEmpty, nothing, empty, run, duration)
					baseline.add(base)
					stop := make(chan struct{})
					var wg sync.WaitGroup
					if forged {
						wg.Go(func() { forge(webhook, stop) })
					}
					ours := load(b, toOwn, e.process, webhook, run, duration)
					own.add(ours)
					ratios = append(ratios, ours.rate()/base.rate())
					close(stop)
					wg.Wait()
					run++
				}
				slices.Sort(ratios)
				percent, p99 := 100*ratios[turns/2], own.p99()
				if !forged && !testing.Short() && (percent < 50 || p99 >= 50*time.Millisecond) {
					b.Errorf("%.1f %% of an empty handler's rate and a 99th percentile of %v, want at least 50 and less than 50ms", percent, p99)
				}
				b.ReportMetric(own.rate(), "events/s")
				b.ReportMetric(percent, "%-of-empty-handler")
				b.ReportMetric(100*baseline.each(baseline.client+baseline.server)/own.each(own.client+own.server), "%-of-empty-cpu")
				b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
				b.ReportMetric(own.each(own.server), "cpu-µs/event")
				b.ReportMetric(own.each(own.client), "client-cpu-µs/event")
				b.ReportMetric(baseline.each(baseline.server), "empty-cpu-µs/event")
				b.ReportMetric(baseline.each(baseline.client), "empty-client-cpu-µs/event")
			}
			samples, err := e.metrics()
			if err != nil {
				b.Fatal(err)
			}
			if rejected := samples[`whereby_webhook_rejected_total{reason="signature"}`]; forged && rejected == 0 {
				b.Error("no forged request came")
			}
		})
	}
}
