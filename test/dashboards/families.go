package dashboards

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"whereby_exporter/collector/metrics"
)

// family is how the values of a metric come about.
type family struct {
	metrics.Metric
	// values are those of the labels but room_prefix; nil is one series.
	values [][]string
	// figure is the value; of a histogram or a summary, its count.
	figure func(a *account, c *customer, values []string, at int64) float64
	// mean is a histogram's or a summary's.
	mean float64
}

func (f family) byCustomer() bool { return slices.Contains(f.Labels, metrics.RoomPrefix) }

// buckets are bounds relative to the mean, and how many of a hundred observations are
// below them.
var buckets = []struct {
	bound float64
	below int
}{{0.2, 10}, {0.5, 30}, {1, 60}, {2, 85}, {5, 97}, {math.Inf(1), 100}}

// below is how many of the first n observations are in a bucket. Each observation is in
// all buckets above its own, as it is with real ones.
func below(of int, n float64) float64 {
	whole := math.Floor(n / 100)
	count := whole * float64(of)
	for i := range int(n - 100*whole) {
		if i*37%100 < of {
			count++
		}
	}
	return count
}

func (f family) append(out *appender, exporter map[string]string, a *account, c *customer, times []int64) {
	for _, values := range slices.Concat(f.values, [][]string{nil})[:max(1, len(f.values))] {
		ls := maps.Clone(exporter)
		next := 0
		for _, label := range f.Labels {
			if label == metrics.RoomPrefix {
				ls[label] = c.prefix
			} else {
				ls[label] = values[next]
				next++
			}
		}
		if f.Name == metrics.CustomerInfo.Name {
			ls["customer"] = c.name
		}
		figure := func(at int64) float64 { return f.figure(a, c, values, at) }
		if f.Type != metrics.Histogram && f.Type != metrics.Summary {
			out.series(f.Name, ls, times, figure)
			continue
		}
		out.series(f.Name+"_count", ls, times, figure)
		out.series(f.Name+"_sum", ls, times, func(at int64) float64 { return f.mean * figure(at) })
		if f.Type == metrics.Histogram {
			for _, b := range buckets {
				ls["le"] = fmt.Sprint(b.bound * f.mean)
				out.series(f.Name+"_bucket", ls, times, func(at int64) float64 { return below(b.below, figure(at)) })
			}
		}
	}
}

var resources = [][]string{{"participant_minutes"}, {"recorder_minutes"}, {"streamer_minutes"}, {"sessions"}, {"live_participants"}}

// combine returns the pairs of two labels' values.
func combine(a, b []string) [][]string {
	var all [][]string
	for _, x := range a {
		for _, y := range b {
			all = append(all, []string{x, y})
		}
	}
	return all
}

// one returns a label's values.
func one(values ...string) [][]string {
	var all [][]string
	for _, v := range values {
		all = append(all, []string{v})
	}
	return all
}

// families is every metric of the exporter's own, and those of the process that the
// dashboards show.
func families() []family {
	type figure = func(a *account, c *customer, values []string, at int64) float64
	constant := func(v float64) figure { return func(*account, *customer, []string, int64) float64 { return v } }
	now := func(lag float64) figure {
		return func(_ *account, _ *customer, _ []string, at int64) float64 { return float64(at) - lag }
	}
	counted := func(per float64) figure { // one for so many minutes
		return func(_ *account, c *customer, _ []string, at int64) float64 { return math.Floor(c.minutes(at) / per) }
	}
	ticks := func(each int64) figure { // one for so many seconds
		return func(a *account, _ *customer, _ []string, at int64) float64 { return float64((at - a.begins) / each) }
	}
	people := func(share float64) figure {
		return func(_ *account, c *customer, _ []string, at int64) float64 { return math.Round(share * c.people(at)) }
	}
	fullest := func(share float64) figure { // of a room
		return func(_ *account, c *customer, _ []string, at int64) float64 { return share * noise(at/hour, c.index) }
	}
	used := func(_ *account, c *customer, values []string, at int64) float64 { return c.used(values[0], at) }
	limit := func(_ *account, c *customer, values []string, _ int64) float64 {
		if c.quota == 0 {
			return math.NaN()
		}
		return c.limit(values[0])
	}
	start := func(_ *account, _ *customer, _ []string, at int64) float64 { s, _ := month(at); return float64(s) }
	end := func(_ *account, _ *customer, _ []string, at int64) float64 { _, e := month(at); return float64(e) }
	usageOf := func(i int) figure {
		return func(_ *account, c *customer, _ []string, at int64) float64 { return usage[i].figure(c, at) }
	}
	// Some customers have worse lines than others, and evenings are worse than mornings.
	loss := func(_ *account, c *customer, values []string, at int64) float64 {
		return (0.004 + 0.012*noise(int64(c.index), 7)) * (0.8 + 0.4*noise(at/hour, c.index)) * float64(len(values[0])) / 4
	}
	samples := func(_ *account, c *customer, values []string, at int64) float64 {
		poor := 0.02 + 0.1*noise(int64(c.index), 3)*noise(int64(c.index), 4)
		if values[1] == "good" {
			poor = 1 - poor
		}
		return math.Floor(c.minutes(at) * poor)
	}
	roles := one("visitor", "host", "member", "recorder")
	directions := one("send", "recv")
	usedBefore := func(a *account, c *customer, values []string, at int64) float64 {
		start, _ := month(at)
		return used(a, c, values, start-1)
	}
	startBefore := func(_ *account, _ *customer, _ []string, at int64) float64 {
		start, _ := month(at)
		before, _ := month(start - 1)
		return float64(before)
	}
	periods := one("participant_minutes", "recorder_minutes", "streamer_minutes", "sessions")
	kinds := one("participant_minute", "recorder_minute")
	each := map[string]figure{"participant_minute": usageOf(0), "recorder_minute": usageOf(1)}
	cost := func(a *account, c *customer, values []string, at int64) float64 {
		return 0.004 * each[values[0]](a, c, nil, at)
	}
	costSince := func(since func(at int64) int64, until func(at int64) int64) figure {
		return func(a *account, c *customer, values []string, at int64) float64 {
			return cost(a, c, values, until(at)) - cost(a, c, values, max(a.begins, since(at)))
		}
	}
	monthOf := func(at int64) int64 { s, _ := month(at); return s }
	costNow := costSince(monthOf, func(at int64) int64 { return at })
	costBefore := costSince(func(at int64) int64 { return monthOf(monthOf(at) - 1) }, monthOf)
	return []family{
		{metrics.Cost, kinds, cost, 0},
		{metrics.CostUnreadRooms, nil, constant(0), 0},
		{metrics.CostInfo, one("USD"), constant(1), 0},
		{metrics.PeriodCost, kinds, costNow, 0},
		{metrics.PreviousPeriodCost, kinds, costBefore, 0},
		{metrics.OrganizationPeriodCost, kinds, costNow, 0},
		{metrics.OrganizationPreviousPeriodCost, kinds, costBefore, 0},
		{metrics.ParticipantMinutes, nil, usageOf(0), 0},
		{metrics.RecorderMinutes, nil, usageOf(1), 0},
		{metrics.StreamerMinutes, nil, usageOf(2), 0},
		{metrics.Sessions, nil, usageOf(3), 0},
		{metrics.Rooms, nil, func(_ *account, c *customer, _ []string, _ int64) float64 { return float64(20 + c.index%50) }, 0},
		{metrics.QuotaUsed, resources, used, 0},
		{metrics.QuotaUsedLowerBound, resources, used, 0},
		{metrics.QuotaUnreadRooms, nil, constant(3), 0},
		{metrics.QuotaPreviousUsed, periods, usedBefore, 0},
		{metrics.QuotaPreviousPeriodStart, nil, startBefore, 0},
		{metrics.QuotaPreviousPeriodEnd, nil, start, 0},
		{metrics.QuotaPreviousFinal, nil, constant(1), 0},
		{metrics.OrganizationQuotaUsedLowerBound, resources, used, 0},
		{metrics.OrganizationQuotaUnreadRooms, nil, constant(3), 0},
		{metrics.OrganizationQuotaPreviousUsed, periods, usedBefore, 0},
		{metrics.OrganizationQuotaPreviousPeriodStart, nil, startBefore, 0},
		{metrics.OrganizationQuotaPreviousPeriodEnd, nil, start, 0},
		{metrics.OrganizationQuotaPreviousFinal, nil, constant(1), 0},
		{metrics.QuotaLimit, one("participant_minutes", "sessions", "live_participants"), limit, 0},
		{metrics.QuotaNearRatio, nil, constant(0.8), 0},
		{metrics.QuotaPeriodStart, nil, start, 0},
		{metrics.QuotaPeriodEnd, nil, end, 0},
		{metrics.OrganizationQuotaUsed, resources, used, 0},
		{metrics.OrganizationQuotaLimit, one("participant_minutes", "sessions"), limit, 0},
		{metrics.OrganizationQuotaPeriodStart, nil, start, 0},
		{metrics.OrganizationQuotaPeriodEnd, nil, end, 0},
		{metrics.CustomerInfo, one(""), constant(1), 0},
		{metrics.LiveParticipants, nil, people(1), 0},
		{metrics.LiveParticipantsMax, nil, people(1.1), 0},
		{metrics.LiveClients, roles, people(0.3), 0},
		{metrics.LiveRooms, nil, people(0.4), 0},
		{metrics.RoomCapacity, nil, constant(200), 0},
		{metrics.LiveRoomsFull, nil, people(0.01), 0},
		{metrics.LiveFullestRoom, nil, fullest(0.9), 0},
		{metrics.LiveFullestRoomMax, nil, fullest(1), 0},
		{metrics.LiveWaiting, nil, people(0.05), 0},
		{metrics.LivePending, nil, people(12), 0},
		{metrics.SegmentParticipants, one("north", "south"), people(0.5), 0},
		{metrics.SegmentMinutes, one("north", "south"), counted(2), 0},
		{metrics.LiveCorrections, one("lost_event", "stale", "session_ended"), ticks(7 * hour), 0},
		{metrics.KnockWait, one("admitted", "cancelled"), counted(500), 60},
		{metrics.HostWait, nil, counted(400), 90},
		{metrics.Joins, roles, counted(60), 0},
		{metrics.DialIns, nil, counted(1200), 0},
		{metrics.Leaves, roles, counted(60), 0},
		{metrics.Recordings, one("finished"), counted(900), 0},
		{metrics.Transcriptions, one("finished", "failed"), counted(2000), 0},
		{metrics.TranscriptionSeconds, nil, counted(0.5), 0},
		{metrics.WebhookEvents, one("room.client.joined", "room.client.left", "room.session.started", "room.session.ended", "other"), counted(60), 0},
		{metrics.WebhookDuplicates, nil, counted(3000), 0},
		{metrics.WebhookRejected, one("signature", "expired", "malformed", "too_large", "method"), ticks(5 * hour), 0},
		{metrics.WebhookMisdirected, nil, constant(0), 0},
		{metrics.WebhookUnusable, one("type", "id", "created_at", "room", "counts"), constant(0), 0},
		{metrics.WebhookLastEvent, nil, now(4), 0},
		{metrics.WebhookDelay, nil, counted(60), 0.4},
		{metrics.SessionRating, nil, counted(300), 4.3},
		{metrics.QualityRating, nil, func(_ *account, c *customer, _ []string, at int64) float64 {
			return 3.6 + noise(int64(c.index), 9) + 0.2*noise(at/hour, c.index)
		}, 0},
		{metrics.QualitySamples, combine([]string{"send", "recv"}, []string{"good", "poor"}), samples, 0},
		{metrics.QualityPacketLoss, directions, loss, 0},
		{metrics.QualityPoorRatio, directions, func(a *account, c *customer, values []string, at int64) float64 { return 5 * loss(a, c, values, at) }, 0},
		{metrics.QualityBitrate, directions, func(_ *account, c *customer, _ []string, at int64) float64 {
			return 1e6 * (1 + noise(at/hour, c.index))
		}, 0},
		{metrics.QualityParticipants, one("sampled", "skipped"), counted(80), 0},
		{metrics.QualitySessions, one("sampled", "skipped"), counted(200), 0},
		{metrics.QualityPoorParticipants, nil, counted(900), 0},
		{metrics.QualityParticipantPacketLoss, directions, counted(80), 0.01},
		{metrics.QualityParticipantBitrate, directions, counted(80), 1.2e6},
		{metrics.RecordingsStored, nil, counted(300), 0},
		{metrics.RecordingsStoredBytes, nil, counted(1e-6), 0},
		{metrics.RecordingsOldest, nil, now(40 * 86400), 0},
		{metrics.OrganizationRecordingsStored, nil, ticks(3600), 0},
		{metrics.OrganizationRecordingsStoredBytes, nil, ticks(1), 0},
		{metrics.OrganizationRecordingsOldest, nil, now(40 * 86400), 0},
		{metrics.OrganizationRecordingsRetention, nil, constant(90 * 86400), 0},
		{metrics.RecordingsLastRead, nil, now(3600), 0},
		{metrics.ParticipantDevices, [][]string{{"chrome", "windows"}, {"chrome", "macos"}, {"safari", "ios"}, {"firefox", "linux"}}, counted(300), 0},
		{metrics.Up, nil, constant(1), 0},
		{metrics.Polls, one("success", "error"), func(a *account, _ *customer, values []string, at int64) float64 {
			if values[0] == "error" {
				return float64((at - a.begins) / (9 * hour))
			}
			return float64((at - a.begins) / minute)
		}, 0},
		{metrics.PollDuration, nil, ticks(minute), 2},
		{metrics.LastSuccessfulPoll, nil, now(25), 0},
		{metrics.LastFullScan, nil, now(7000), 0},
		{metrics.APIRequests, combine([]string{"rooms", "room-sessions", "participants", "participant"}, []string{"200", "429"}), func(a *account, _ *customer, values []string, at int64) float64 {
			if values[1] == "429" {
				return float64((at - a.begins) / (8 * hour))
			}
			return float64((at - a.begins) / int64(2+3*len(values[0])))
		}, 0},
		{metrics.APIRequestDuration, one("rooms", "room-sessions", "participants", "participant"), ticks(20), 0.2},
		{metrics.APIPointsPerRequest, one("rooms", "room-sessions", "participants", "participant"), constant(1), 0},
		{metrics.APIPoints, one("rooms", "room-sessions", "participants", "participant"), ticks(20), 0},
		{metrics.APIRateLimit, nil, constant(1000), 0},
		{metrics.APIRateLimitRemaining, nil, func(_ *account, _ *customer, _ []string, at int64) float64 {
			return math.Round(700 + 200*noise(at/hour, 5))
		}, 0},
		{metrics.LedgerDrift, one("participant_minutes", "recorder_minutes", "streamer_minutes", "sessions"), constant(0), 0},
		{metrics.UnusableRooms, nil, constant(0), 0},
		{metrics.UnusableRows, one("rooms", "room-sessions", "participants", "participant"), constant(0), 0},
		{metrics.RoomPrefixesDropped, nil, constant(0), 0},
		{metrics.StorageErrors, nil, constant(0), 0},
		{metrics.WebhookConnectionsEvicted, one("unproven", "proven"), constant(0), 0},
		{metrics.WebRefused, one("busy", "stalled", "connection"), constant(0), 0},
		{metrics.JournalRepairs, nil, constant(0), 0},
		{metrics.LiveStateDamaged, nil, constant(0), 0},
		{metrics.ConfigLastReloadSuccessful, nil, constant(1), 0},
		{metrics.ConfigLastReloadSuccess, nil, func(a *account, _ *customer, _ []string, _ int64) float64 { return float64(a.begins) }, 0},
		{metrics.SidecarRulesLoaded, nil, constant(1), 0},
		{metrics.BuildInfo, [][]string{{"HEAD", "amd64", "linux", "go1.26", "0123456789abcdef", "", "1.0.0"}}, constant(1), 0},
		{metrics.Metric{Name: "process_resident_memory_bytes", Type: metrics.Gauge}, nil, constant(60e6), 0},
		{metrics.Metric{Name: "process_cpu_seconds_total", Type: metrics.Counter}, nil, ticks(200), 0},
		{metrics.Metric{Name: "process_start_time_seconds", Type: metrics.Gauge}, nil, func(a *account, _ *customer, _ []string, _ int64) float64 { return float64(a.begins) }, 0},
		{metrics.Metric{Name: "go_goroutines", Type: metrics.Gauge}, nil, constant(30), 0},
	}
}
