package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"whereby_exporter/collector/metrics"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func (p *process) families() map[string]*dto.MetricFamily {
	p.Helper()
	status, body := p.get("/metrics")
	if status != http.StatusOK {
		p.Fatalf("/metrics answers %d %s", status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	return families
}

// byPrefix returns a family's values by its only label; "" if it has none.
func byPrefix(family *dto.MetricFamily) map[string]float64 {
	values := map[string]float64{}
	for _, sample := range family.GetMetric() {
		label := ""
		if len(sample.GetLabel()) > 0 {
			label = sample.GetLabel()[0].GetValue()
		}
		values[label] = sample.GetCounter().GetValue() + sample.GetGauge().GetValue()
	}
	return values
}

func prefixOf(roomName string) string {
	if prefix, ok := whereby.RoomPrefix(roomName); ok && prefix != "" {
		return prefix
	}
	return "_none"
}

// usage are the families that tell of the account, with what the account says.
var usage = map[string]func(wherebytest.PrefixTruth) int64{
	metrics.ParticipantMinutes.Name: func(p wherebytest.PrefixTruth) int64 { return p.ParticipantMinutes },
	metrics.RecorderMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.RecorderMinutes },
	metrics.StreamerMinutes.Name:    func(p wherebytest.PrefixTruth) int64 { return p.StreamerMinutes },
	metrics.Sessions.Name:           func(p wherebytest.PrefixTruth) int64 { return p.Sessions },
	metrics.Rooms.Name:              func(p wherebytest.PrefixTruth) int64 { return int64(p.Rooms) },
}

// difference tells what of /metrics is not what the account says; "" is nothing.
func (p *process) difference(account *wherebytest.Account) string {
	p.Helper()
	families := p.families()
	for name, figure := range usage {
		want := map[string]float64{}
		for prefix, truth := range account.Truth(prefixOf) {
			want[prefix] = float64(figure(truth))
		}
		if got := byPrefix(families[name]); !maps.Equal(got, want) {
			return fmt.Sprintf("%s is %v; want %v", name, got, want)
		}
	}
	return ""
}

func (p *process) assertUp(want float64) {
	p.Helper()
	if up := byPrefix(p.families()[metrics.Up.Name])[""]; up != want {
		p.Errorf("whereby_up is %v; want %v", up, want)
	}
}

// newAPI serves a simulated account of 250 rooms.
func newAPI(t *testing.T, key string) (*wherebytest.Account, string) {
	t.Helper()
	account := wherebytest.New(wherebytest.Config{APIKey: key})
	for i := range 250 {
		used := time.Now().Add(-time.Duration(i+1) * time.Hour)
		account.AddRoom(wherebytest.Room{
			Name:      roomName(i),
			CreatedAt: used, FirstSession: used, LastSession: used,
			Totals: wherebytest.Totals{Sessions: 1, ParticipantMinutes: int64(i), RecorderMinutes: int64(i % 5), StreamerMinutes: int64(i % 2)},
		})
	}
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	return account, server.URL + "/v1"
}

func roomName(i int) string {
	return fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", []string{"acme-", "globex-", ""}[i%3], i*7919, i)
}

// arguments are those of a program that polls often, and logs all it can.
func arguments(api, storage string, more ...string) []string {
	return append([]string{
		"run", "--whereby.url=" + api, "--storage.path=" + storage, "--web.listen-address=127.0.0.1:0",
		"--poll.interval=1s", "--log.level=debug", "--whereby.rate-limit-share=1",
	}, more...)
}
