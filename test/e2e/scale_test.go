package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// BenchmarkMillionRooms runs the binary on an account of a million rooms, of which
// 500 are in use, and reports what the exporter promises of it:
//
//	first-poll-s       until the figures are there; quotas-s until the quotas are too
//	requests/poll      of a steady poll, once quotas cost none any more; and how many
//	                   times fewer than reading every page, which the first poll does
//	peak-MiB, RSS-MiB  resident memory, at its highest and after the first poll
//	start-s            from starting the process on a full store to the first scrape
//	                   that has the figures
//
// With -short the account is a hundredth of that.
func BenchmarkMillionRooms(b *testing.B) {
	rooms, active, prefixes := 1_000_000, 500, 500
	if testing.Short() {
		rooms = 10_000
	}
	account, api := newAccount(b, wherebytest.Config{PointsPerMinute: unlimited, NoRequestLog: true})
	now := time.Now()
	for i := range rooms {
		at := now.Add(-48*time.Hour - time.Duration(i)*10*time.Second)
		account.AddRoom(wherebytest.Room{
			Name:      fmt.Sprintf("/customer%03d-%08x-0000-4000-8000-%012x", i%prefixes, uint32(i)*2654435761, i),
			CreatedAt: at, FirstSession: at, LastSession: at,
			Totals: wherebytest.Totals{ParticipantMinutes: int64(i % 300), RecorderMinutes: int64(i % 7), Sessions: 1 + int64(i%3)},
		})
		if i%(rooms/active) == 0 {
			account.Use(fmt.Sprintf("/customer%03d-%08x-0000-4000-8000-%012x", i%prefixes, uint32(i)*2654435761, i),
				wherebytest.Totals{ParticipantMinutes: 10, Sessions: 1}, now)
		}
	}
	storage := b.TempDir()
	args := []string{"--storage.path=" + storage, "--whereby.rate-limit-share=1", "--poll.full-scan-interval=6h", "--log.level=info"}
	address := programs.FreeAddress(b)

	for b.Loop() {
		if err := os.RemoveAll(filepath.Join(storage, "whereby.db")); err != nil {
			b.Fatal(err)
		}
		account.ResetRequests()
		began := time.Now()
		e := startExporter(b, address, api, args...)
		programs.Eventually(b, 10*time.Minute, "the first poll", e.ready)
		b.ReportMetric(time.Since(began).Seconds(), "first-poll-s")
		full := account.Count(wherebytest.EndpointRooms)

		programs.Eventually(b, 5*time.Minute, "the quotas", func() error {
			samples, err := e.metrics()
			if err != nil {
				return err
			}
			known := 0
			for series := range samples {
				if strings.HasPrefix(series, "whereby_quota_used{") && strings.Contains(series, `resource="participant_minutes"`) {
					known++
				}
			}
			if known < prefixes {
				return fmt.Errorf("those of %d of %d prefixes", known, prefixes)
			}
			return nil
		})
		b.ReportMetric(time.Since(began).Seconds(), "quotas-s")

		// Let some steady polls pass.
		polls := func() float64 {
			samples, err := e.metrics()
			if err != nil {
				b.Fatal(err)
			}
			return samples[`whereby_exporter_polls_total{result="success"}`]
		}
		first := polls()
		account.ResetRequests()
		programs.Eventually(b, time.Minute, "steady polls", func() error {
			if n := polls() - first; n < 5 {
				return fmt.Errorf("%v polls", n)
			}
			return nil
		})
		perPoll := float64(account.Count(wherebytest.EndpointRooms)) / (polls() - first)
		b.ReportMetric(perPoll, "requests/poll")
		b.ReportMetric(float64(full)/perPoll, "x-fewer-than-every-page")
		b.ReportMetric(memory(b, e.cmd.Process.Pid, "VmHWM"), "peak-MiB")
		b.ReportMetric(memory(b, e.cmd.Process.Pid, "VmRSS"), "RSS-MiB")
		if info, err := os.Stat(filepath.Join(storage, "whereby.db")); err == nil {
			b.ReportMetric(float64(info.Size())/float64(rooms), "store-B/room")
		}
		e.stop()

		began = time.Now()
		e = startExporter(b, address, api, args...)
		programs.Eventually(b, time.Minute, "figures after a restart", func() error {
			samples, err := e.metrics()
			if err == nil && len(usage(samples)) == 0 {
				err = fmt.Errorf("no usage")
			}
			return err
		})
		b.ReportMetric(time.Since(began).Seconds(), "start-s")
		b.ReportMetric(memory(b, e.cmd.Process.Pid, "VmHWM"), "start-peak-MiB")
		e.stop()
	}
}

// memory reads a figure of a process in MiB.
func memory(b testing.TB, pid int, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("no figures on memory here: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	b.Fatalf("the process has no %s", field)
	return 0
}
