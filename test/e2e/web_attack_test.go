package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"whereby_exporter/test/exhaustive"
	"whereby_exporter/test/programs"
)

// chartMemory is the chart's limit of memory.
const chartMemory = 512

// TestUnreadScrapesTakeBoundedMemory has 60 clients scrape the figures of 10,000
// customers with quotas over and over, each in its own selection of families so that
// nothing is shared, and read nothing, while another address scrapes as Prometheus does.
func TestUnreadScrapesTakeBoundedMemory(t *testing.T) {
	exhaustive.Long(t)
	a := scrapeAccount{customers: 10_000, live: 3_000, interval: 10 * time.Second}
	e := a.start(t)
	address := e.base[len("http://"):]
	before := memory(t, e.cmd.Process.Pid, "VmRSS")

	attacked, end := context.WithCancel(t.Context())
	s := &strangers{context: attacked, address: address}
	s.repeat(60, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
		if _, err := io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain;version=1.0.0;escaping=dots\r\n\r\n"); err != nil {
			return
		}
		// The connection's end is noticed without reading what was sent.
		for b := make([]byte, 1); attacked.Err() == nil; s.pause(time.Second) {
			if _, err := conn.Read(b); err != nil {
				return
			}
		}
	})
	client := &http.Client{
		Timeout:   onABusyMachine(t, 10*time.Second),
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialFar("127.0.0.2", time.Millisecond)},
	}
	scrapes, failed, peak := 0, 0, 0.0
	for until := time.Now().Add(45 * time.Second); time.Now().Before(until); s.pause(time.Second) {
		scrapes++
		if err := scrapeOnce(client, e.base+"/metrics"); err != nil {
			t.Logf("scrape %d: %v", scrapes, err)
			failed++
		}
		peak = max(peak, memory(t, e.cmd.Process.Pid, "VmRSS"))
	}
	end()
	s.wg.Wait()
	t.Logf("%.0f MiB before, %.0f during the attack, %.0f at most; %d of %d scrapes from another address failed",
		before, peak, memory(t, e.cmd.Process.Pid, "VmHWM"), failed, scrapes)
	if peak > chartMemory {
		t.Errorf("%.0f MiB were resident, more than %d", peak, chartMemory)
	}
	if failed > 0 {
		t.Errorf("%d of %d scrapes from another address failed", failed, scrapes)
	}
	programs.Eventually(t, patience, "a scrape from the address of the attack", func() error {
		_, err := e.metrics()
		return err
	})
}

// scrapeOnce scrapes and reads all of it.
func scrapeOnce(client *http.Client, address string) error {
	response, err := client.Get(address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
