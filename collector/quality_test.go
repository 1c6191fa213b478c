package collector

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/logtest"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// truthOf is what is true of the participants of a prefix, computed by the definitions.
type truthOf struct {
	participants, poor, sessions int
	good, bad                    [2]float64 // samples to send and to receive
	loss, bits, bitrates         [2]float64
	ratings, stars               float64
	// shares are the poor samples of each participant, of how many.
	shares [][2]float64
}

// qualityTruth is that of all sessions of an account that began since a time.
func qualityTruth(account *wherebytest.Account, since time.Time) map[string]*truthOf {
	label := config.Default().Prefixes().Classify
	truth := map[string]*truthOf{}
	of := func(room string) *truthOf {
		if truth[label(room)] == nil {
			truth[label(room)] = &truthOf{}
		}
		return truth[label(room)]
	}
	for room := range account.Shown() {
		for _, session := range account.Sessions(room) {
			if session.StartedAt.Before(since) {
				continue
			}
			of(room).ratings += float64(session.Ratings)
			of(room).stars += session.Rating * float64(session.Ratings)
			if !session.EndedAt.IsZero() {
				of(room).sessions++
			}
		}
	}
	for _, p := range account.Quality(since) {
		of(p.RoomName).add(p.Traces)
	}
	return truth
}

func (of *truthOf) add(traces []wherebytest.Trace) {
	of.participants++
	poor := false
	var share [2]float64
	for _, c := range traces {
		for d, samples := range [][]float64{c.PacketLossSend, c.PacketLossRecv} {
			run := time.Duration(0)
			for _, loss := range samples {
				if math.IsNaN(loss) || loss > 100 {
					continue
				}
				of.loss[d] += loss
				share[1]++
				if loss >= 3 {
					of.bad[d]++
					share[0]++
					if run += c.SampleRate; run >= 10*time.Second {
						poor = true
					}
				} else {
					of.good[d]++
					run = 0
				}
			}
		}
		for d, samples := range [][]float64{c.BitrateSend, c.BitrateRecv} {
			for _, bits := range samples {
				if !math.IsNaN(bits) {
					of.bits[d] += bits
					of.bitrates[d]++
				}
			}
		}
	}
	of.shares = append(of.shares, share)
	if poor {
		of.poor++
	}
}

// assertQuality compares what is exposed with the truth.
func (b *bench) assertQuality(truth map[string]*truthOf) {
	b.Helper()
	exposition := b.exposition()
	exact := func(m metrics.Metric, key string, want float64) {
		b.Helper()
		if got := b.samplesOf(m, exposition)[key]; math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
			b.Errorf("%s of %s is %v; want %v", m.Name, key, got, want)
		}
	}
	for prefix, of := range truth {
		exact(metrics.QualityParticipants, prefix+",sampled", float64(of.participants))
		exact(metrics.QualityParticipants, prefix+",skipped", 0)
		exact(metrics.QualitySessions, prefix+",sampled", float64(of.sessions))
		exact(metrics.QualityPoorParticipants, prefix, float64(of.poor))
		exact(metrics.SessionRating, prefix, of.ratings)
		for d, direction := range []string{"send", "recv"} {
			exact(metrics.QualitySamples, direction+","+prefix+",good", of.good[d])
			exact(metrics.QualitySamples, direction+","+prefix+",poor", of.bad[d])
			if n := of.good[d] + of.bad[d]; n > 0 {
				exact(metrics.QualityPacketLoss, direction+","+prefix, of.loss[d]/100/n)
				exact(metrics.QualityPoorRatio, direction+","+prefix, of.bad[d]/n)
				exact(metrics.QualityBitrate, direction+","+prefix, of.bits[d]/of.bitrates[d])
			}
		}
		if of.ratings > 0 {
			exact(metrics.QualityRating, prefix, of.stars/of.ratings)
		}
	}
}

// callAccount has rooms of some customers, each with meetings in the hours to come. The
// number of meetings is by prefix. In some are a recorder, and machines of further roles.
func callAccount(c wherebytest.Config, random *rand.Rand, span time.Duration, meetings map[string]int, machines ...string) *wherebytest.Account {
	c.APIKey = apiKey
	account := wherebytest.New(c)
	prefixes := slices.Sorted(func(yield func(string) bool) {
		for prefix := range meetings {
			if !yield(prefix) {
				return
			}
		}
	})
	for _, prefix := range prefixes {
		n := meetings[prefix]
		rooms := max(1, n/20)
		next := make([]time.Time, rooms)
		for i := range rooms {
			account.AddRoom(wherebytest.Room{Name: fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, i, i), CreatedAt: time.Now()})
			next[i] = time.Now().Add(time.Duration(random.Int64N(int64(time.Hour))))
		}
		for i := range n {
			room := i % rooms
			start := next[room]
			length := time.Duration(3+random.IntN(7)) * time.Minute
			next[room] = start.Add(length + time.Duration(random.Int64N(int64(span)/10)))
			if time.Until(start) > span {
				continue
			}
			s := wherebytest.Session{Start: start, End: start.Add(length)}
			for range 2 + random.IntN(4) {
				p := wherebytest.Participant{Joined: start.Add(time.Duration(random.IntN(60)) * time.Second)}
				if random.IntN(3) == 0 {
					p.Rating = 1 + random.IntN(5)
				}
				s.Participants = append(s.Participants, p)
			}
			if random.IntN(4) == 0 {
				for _, machine := range append(machines, whereby.RoleRecorder) {
					s.Participants = append(s.Participants, wherebytest.Participant{Role: machine})
				}
				back := s.Participants[0]
				back.ID = fmt.Sprintf("back-%s-%d", prefix, i)
				back.DeviceID = "device-of-" + back.ID
				s.Participants[0] = back
				back.Joined = start.Add(length / 2)
				s.Participants[0].Left = start.Add(length / 3)
				s.Participants = append(s.Participants, back) // somebody comes back
			}
			account.Schedule(fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", prefix, room, room), s)
		}
	}
	return account
}

// TestQualityIsTheTruthWhereAllIsRead: with points to spare every figure is exact.
func TestQualityIsTheTruthWhereAllIsRead(t *testing.T) {
	for name, c := range map[string]wherebytest.Config{
		"as documented":               {Lag: 12 * time.Minute},
		"gaps are null":               {Lag: time.Minute, Nulls: wherebytest.ExplicitNulls},
		"times of the other pair":     {SessionTimes: wherebytest.CreatedEnd, Cursors: wherebytest.KeysetCursors},
		"arrays are missing":          {Lag: 10 * time.Minute, MissingSeries: true},
		"everybody's network is poor": {Lag: 10 * time.Minute, Networks: wherebytest.NetworkMix{LossyMobile: 1, Congested: 1}},
		"a small plan, few customers": {PointsPerMinute: 400, Lag: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "as documented" {
				long(t)
			}
			synctest.Test(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				since := time.Now()
				account := callAccount(c, rand.New(rand.NewPCG(seed, 0)), 8*time.Hour, map[string]int{"acme-": 60, "globex-": 25, "initech-": 3},
					whereby.RoleStreamer, whereby.RoleAssistant, whereby.RoleCaptioner)
				b := prepareSampling(t, account, 0.25, 5*time.Minute, store.NoRecords{})
				defer b.stop()
				b.polls(14 * 60)
				truth := qualityTruth(account, since)
				b.assertQuality(truth)
				for prefix, of := range truth {
					if of.participants < 4 || of.good[0] == 0 {
						t.Errorf("%s has %d participants: the test shows nothing", prefix, of.participants)
					}
				}
			})
		})
	}
}

// TestAParticipantCountsOnceOverRestarts kills the collector over and over.
func TestAParticipantCountsOnceOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		since := time.Now()
		account := callAccount(wherebytest.Config{Lag: 10 * time.Minute}, random, 4*time.Hour, map[string]int{"acme-": 30, "globex-": 10})
		dir := t.TempDir()
		open := func() *bench {
			budget, err := whereby.NewBudget(0.02)
			if err != nil {
				t.Fatal(err)
			}
			b := &bench{T: t, account: account, log: &logtest.Buffer{}}
			b.collector, err = New(Config{
				Client: &whereby.Client{
					APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: account.RoundTripper()}, Budget: budget,
				},
				StoragePath: dir, PollInterval: time.Minute, FullPollInterval: time.Hour,
				Logger: slog.New(slog.NewTextHandler(b.log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		var before map[string]float64
		for range 25 {
			b := open()
			if before != nil {
				b.polls(1)
				for key, n := range b.samples(metrics.QualityParticipants) {
					if n < before[key] {
						t.Errorf("after a restart %s fell from %v to %v", key, before[key], n)
					}
				}
			}
			b.polls(3 + random.IntN(30))
			before = b.samples(metrics.QualityParticipants)
			b.stop()
		}
		b := open()
		defer b.stop()
		b.polls(5 * 60)
		truth := qualityTruth(account, since)
		b.assertQuality(truth)
	})
}

// TestATenthOfTheParticipantsTellsOfAll: with points for a tenth of them, the share of
// poor time lies within the confidence that is documented, for the small customers too.
func TestATenthOfTheParticipantsTellsOfAll(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		since := time.Now()
		account := callAccount(wherebytest.Config{Lag: 10 * time.Minute, PointsPerMinute: 1000}, rand.New(rand.NewPCG(seed, 0)), 10*time.Hour,
			map[string]int{"large-": 2500, "acme-": 300, "globex-": 300, "initech-": 6})
		b := prepareSampling(t, account, 0.005, 2*time.Minute, store.NoRecords{})
		defer b.stop()
		b.polls(12 * 60)
		read, samples := b.samples(metrics.QualityParticipants), b.samples(metrics.QualitySamples)
		b.polls(24 * 60) // until what was not read is counted as skipped
		all := b.samples(metrics.QualityParticipants)
		truth := qualityTruth(account, since)
		sampled, total := 0.0, 0.0
		for prefix, of := range truth {
			n := read[prefix+",sampled"]
			sampled += n
			total += float64(of.participants)
			var got [2]float64
			for _, direction := range []string{"send", "recv"} {
				got[0] += samples[direction+","+prefix+",poor"]
				got[1] += samples[direction+","+prefix+",poor"] + samples[direction+","+prefix+",good"]
			}
			want, half := of.confidence(n)
			share := got[0] / got[1]
			t.Logf("%s: %v of %d participants read, poor %.4f; the truth is %.4f, ± %.4f", prefix, n, of.participants, share, want, half)
			if !(math.Abs(share-want) <= half) {
				t.Errorf("%s: the share of poor time is %.4f, and the truth %.4f ± %.4f", prefix, share, want, half)
			}
			if n == 0 {
				t.Errorf("nobody of %s was read", prefix)
			}
			// The bound of README is of 19 in 20 cases; 3.3/2 times as much of all but one
			// in a thousand.
			poor, people := b.samples(metrics.QualityPoorParticipants)[prefix]/all[prefix+",sampled"], float64(of.participants)
			p := float64(of.poor) / people
			if half := 3.3 * math.Sqrt(p*(1-p)/n*max(0, 1-n/people)); !(math.Abs(poor-p) <= half+1e-9) {
				t.Errorf("%s: %.3f of the participants are poor, and in truth %.3f ± %.3f", prefix, poor, p, half)
			}
			// What was not read is counted, none twice.
			if counted := all[prefix+",sampled"] + all[prefix+",skipped"]; counted != float64(of.participants) {
				t.Errorf("%s: %v participants counted, of %d", prefix, counted, of.participants)
			}
		}
		if ratio := sampled / total; ratio > 0.15 || ratio < 0.05 {
			t.Errorf("%.0f of %.0f participants were read; the test wants a tenth", sampled, total)
		}
		// The small customer was read whole, and the middle ones as much as the large one.
		if small := truth["initech-"]; read["initech-,sampled"] != float64(small.participants) {
			t.Errorf("of the smallest customer %v of %d were read", read["initech-,sampled"], small.participants)
		}
		if large, middle := read["large-,sampled"], read["acme-,sampled"]; middle < 0.7*large {
			t.Errorf("a large customer got %v participants read, and a middle one %v", large, middle)
		}
	})
}

// confidence returns the share of poor time among all, and how far that of n of the
// participants may be off: 3.3 standard errors of a ratio, less for what is a large part
// of the whole. One in a thousand lies outside.
func (of *truthOf) confidence(n float64) (share, half float64) {
	var poor, all float64
	for _, s := range of.shares {
		poor += s[0]
		all += s[1]
	}
	share = poor / all
	var squares float64
	for _, s := range of.shares {
		d := s[0] - share*s[1]
		squares += d * d
	}
	total := float64(len(of.shares))
	variance := squares / total / (all / total * all / total) / n * math.Max(0, 1-n/total)
	return share, 3.3*math.Sqrt(variance) + 1e-9
}

// TestTheSamplerHoldsToTheBudget saturates the sampler for simulated hours: no minute
// spends more than the share, and every poll is on time.
func TestTheSamplerHoldsToTheBudget(t *testing.T) {
	long(t)
	hours := secondTier(2, 4)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		account := callAccount(wherebytest.Config{Lag: 10 * time.Minute, PointsPerMinute: 200}, rand.New(rand.NewPCG(seed, 0)), time.Duration(hours)*time.Hour,
			map[string]int{"acme-": 1500, "globex-": 750})
		b := prepareSampling(t, account, 0.25, time.Minute, store.NoRecords{})
		defer b.stop()
		const allowed = 50
		b.polls(hours * 60)
		requests := account.Requests()
		var spent []time.Time
		for _, r := range requests {
			spent = append(spent, r.Time)
		}
		slices.SortFunc(spent, time.Time.Compare)
		most := 0
		from := 0
		for to := range spent {
			for spent[to].Sub(spent[from]) >= time.Minute {
				from++
			}
			most = max(most, to-from+1)
		}
		if most > allowed {
			t.Errorf("%d requests within a minute; the share is %d", most, allowed)
		}
		if n := account.Count(wherebytest.EndpointParticipant); n < hours/2*60*20 {
			t.Errorf("only %d participants were read: the sampler was not saturated", n)
		}
		if failed := b.samples(metrics.Polls)["error"]; failed > 0 {
			t.Errorf("%v polls failed", failed)
		}
		if polls := b.samples(metrics.Polls)["success"]; polls < float64(hours*60) {
			t.Errorf("%v polls in %d minutes", polls, hours*60)
		}
		if codes := b.samples(metrics.APIRequests); codes["429,participant"] > 0 {
			t.Errorf("requests were throttled: %v", codes)
		}
	})
}

// TestTheSamplerStopsBeforeThePollerSlows: while production spends nearly all points,
// polls go on and nobody is sampled; then sampling goes on too.
func TestTheSamplerStopsBeforeThePollerSlows(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		account := callAccount(wherebytest.Config{Lag: time.Minute, PointsPerMinute: 200}, rand.New(rand.NewPCG(seed, 0)), 6*time.Hour, map[string]int{"acme-": 3000})
		b := prepareSampling(t, account, 0.25, time.Minute, store.NoRecords{})
		defer b.stop()
		var busy atomic.Bool
		account.OnRequest(func(int, *http.Request) { // production is always first
			if left := account.Remaining(); busy.Load() && left > 30 {
				account.Spend(left - 30)
			}
		})
		read := func() int { return account.Count(wherebytest.EndpointParticipant) }
		b.polls(90)
		before := read()
		if before == 0 {
			t.Fatal("nobody was sampled")
		}
		busy.Store(true)
		b.polls(3) // those in progress end, and the answers tell
		stopped, polls := read(), b.samples(metrics.Polls)["success"]
		b.polls(60)
		if n := read() - stopped; n > 0 {
			t.Errorf("%d participants were read while the points ran low", n)
		}
		if n := b.samples(metrics.Polls)["success"] - polls; n < 60 {
			t.Errorf("%v polls in an hour while the points ran low", n)
		}
		if n := account.Count(wherebytest.EndpointRooms); n < 150 {
			t.Errorf("only %d pages of rooms", n)
		}
		busy.Store(false)
		b.polls(10)
		if read() == stopped {
			t.Error("nobody is sampled once there are points again")
		}
	})
}

// TestQualityOutlivesFaults: what the API gets wrong costs time, and no figure.
func TestQualityOutlivesFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		faults  []wherebytest.Fault
		skipped bool // whether some participants can't be read
	}{
		"server errors":     {faults: []wherebytest.Fault{wherebytest.Status(500).On(wherebytest.EndpointParticipant).Times(40), wherebytest.Status(502).On(wherebytest.EndpointParticipants).Times(40)}},
		"broken answers":    {faults: []wherebytest.Fault{wherebytest.Reset().On(wherebytest.EndpointRoomSessions).Times(40)}},
		"throttled":         {faults: []wherebytest.Fault{wherebytest.Status(429).On(wherebytest.EndpointParticipant).Times(20)}},
		"refused order":     {faults: []wherebytest.Fault{wherebytest.Status(400).On(wherebytest.EndpointRoomSessions).Times(1)}},
		"malformed answers": {faults: []wherebytest.Fault{wherebytest.Malformed().On(wherebytest.EndpointParticipant).Times(20)}, skipped: true},
		"refused":           {faults: []wherebytest.Fault{wherebytest.Status(400).On(wherebytest.EndpointParticipant).Times(5)}, skipped: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				since := time.Now()
				account := callAccount(wherebytest.Config{Lag: 10 * time.Minute}, rand.New(rand.NewPCG(seed, 0)), 4*time.Hour, map[string]int{"acme-": 30})
				for _, fault := range tc.faults {
					account.Inject(fault)
				}
				b := prepareSampling(t, account, 0.25, 5*time.Minute, store.NoRecords{})
				defer b.stop()
				b.polls(10 * 60)
				account.ClearFaults()
				truth := qualityTruth(account, since)
				if !tc.skipped {
					b.assertQuality(truth)
					return
				}
				got := b.samples(metrics.QualityParticipants)
				if got["acme-,skipped"] == 0 || got["acme-,sampled"]+got["acme-,skipped"] != float64(truth["acme-"].participants) {
					t.Errorf("counted %v, of %d", got, truth["acme-"].participants)
				}
			})
		})
	}
}

// TestBadTracesBendNothing spoils the traces of everybody in turn: each is read, and what
// is left of them tells the same.
func TestBadTracesBendNothing(t *testing.T) {
	for _, kind := range wherebytest.BadTraceKinds() {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				since := time.Now()
				meetings := 40
				if kind == "six hours" { // a hundred times as much to read
					long(t)
					meetings = secondTier(15, 40)
				}
				account := callAccount(wherebytest.Config{}, rand.New(rand.NewPCG(seed, 0)), 4*time.Hour, map[string]int{"acme-": meetings})
				account.Inject(wherebytest.BadTrace(kind))
				b := prepareSampling(t, account, 0.25, 10*time.Minute, store.NoRecords{})
				defer b.stop()
				b.polls(8 * 60)
				truth := qualityTruth(account, since)["acme-"]
				got := b.samples(metrics.QualityParticipants)
				if got["acme-,sampled"] != float64(truth.participants) || got["acme-,skipped"] != 0 {
					t.Errorf("counted %v, of %d", got, truth.participants)
				}
				if failed := b.samples(metrics.Polls)["error"]; failed > 0 {
					t.Errorf("%v polls failed", failed)
				}
				samples, loss, bitrate := b.samples(metrics.QualitySamples), b.samples(metrics.QualityPacketLoss), b.samples(metrics.QualityBitrate)
				for d, direction := range []string{"send", "recv"} {
					of := direction + ",acme-"
					poor, good := samples[of+",poor"], samples[of+",good"]
					// A third of them, or half, may be gone; none may be added, but that of six hours.
					if n := truth.good[d] + truth.bad[d]; kind != "six hours" && poor+good > n {
						t.Errorf("%s: %v samples of %v", direction, poor+good, n)
					}
					if poor+good == 0 {
						continue
					}
					n := truth.good[d] + truth.bad[d]
					if share := truth.bad[d] / n; math.Abs(poor/(poor+good)-share) > 0.1 {
						t.Errorf("%s: %.3f of the samples are poor; want about %.3f", direction, poor/(poor+good), share)
					}
					if want := truth.loss[d] / 100 / n; math.Abs(loss[of]-want) > 0.02 {
						t.Errorf("%s: the mean loss is %.4f; want about %.4f", direction, loss[of], want)
					}
					if want := truth.bits[d] / truth.bitrates[d]; bitrate[of] != 0 && math.Abs(bitrate[of]/want-1) > 0.15 {
						t.Errorf("%s: the mean bitrate is %.0f; want about %.0f", direction, bitrate[of], want)
					}
				}
			})
		})
	}
}

// failing is a store that keeps nothing for a while.
type failing struct {
	keeping
	full atomic.Bool
}

func (f *failing) Keep(records []quality.Record, gone []string) error {
	if f.full.Load() {
		return errors.New("no space left on device")
	}
	return f.keeping.Keep(records, gone)
}

// TestAFullDiskCostsNoParticipant: what can't be kept is not counted, and is read again.
func TestAFullDiskCostsNoParticipant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		since := time.Now()
		account := callAccount(wherebytest.Config{Lag: 10 * time.Minute}, rand.New(rand.NewPCG(seed, 0)), 5*time.Hour, map[string]int{"acme-": 60})
		disk := &failing{}
		b := prepareSampling(t, account, 0.25, time.Minute, disk)
		defer b.stop()
		b.polls(90)
		disk.full.Store(true)
		before := b.samples(metrics.QualityParticipants)["acme-,sampled"]
		b.polls(120)
		if n := b.samples(metrics.QualityParticipants)["acme-,sampled"]; n != before {
			t.Errorf("%v participants were counted on a full disk", n-before)
		}
		if n := b.samples(metrics.StorageErrors)[""]; n == 0 {
			t.Error("no error of the store was counted")
		}
		disk.full.Store(false)
		b.polls(8 * 60)
		b.assertQuality(qualityTruth(account, since))
	})
}

// TestMemoryOfSamplingStaysFlat compares what is kept after weeks.
func TestMemoryOfSamplingStaysFlat(t *testing.T) {
	long(t)
	days := secondTier(15, 30)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		account := callAccount(wherebytest.Config{Lag: 10 * time.Minute, NoRequestLog: true}, rand.New(rand.NewPCG(seed, 0)), time.Duration(days)*24*time.Hour, map[string]int{"acme-": 600, "globex-": 60})
		b := prepareSampling(t, account, 0.25, 15*time.Minute, store.NoRecords{})
		defer b.stop()
		var kept []int
		for range days {
			b.polls(24 * 60)
			kept = append(kept, b.collector.sampling.Kept())
		}
		t.Logf("sessions kept at the end of each day: %v", kept)
		if n := b.samples(metrics.QualityParticipants)["acme-,sampled"]; n < 500 {
			t.Errorf("only %v participants in %d days", n, days)
		}
		if most := slices.Max(kept[5:]); most > 2*slices.Max(kept[:5]) || most == 0 {
			t.Errorf("sessions kept grow: %v", kept)
		}
	})
}

// TestNoOneIsKept: of those who take part nothing stays but that they were read.
func TestNoOneIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
		account.AddRoom(wherebytest.Room{Name: room(0).Name, CreatedAt: time.Now()})
		account.Schedule(room(0).Name, wherebytest.Session{
			Start: time.Now(), End: time.Now().Add(10 * time.Minute),
			Participants: []wherebytest.Participant{
				{ID: "planted-participant", DisplayName: "planted-name", ExternalID: "planted-external", UserID: "planted-user", UserAgent: "planted-agent Chrome/1 Windows", Rating: 3, Comment: "planted-comment"}, {},
			},
		})
		kept := &keeping{}
		b := prepareSampling(t, account, 0.25, time.Minute, kept)
		defer b.stop()
		b.polls(60)
		if n := b.samples(metrics.QualityParticipants)["acme-,sampled"]; n != 2 {
			t.Fatalf("%v were sampled", n)
		}
		for what, text := range map[string]string{"the store": kept.all.String(), "the log": b.log.String(), "the metrics": b.exposition()} {
			if strings.Contains(text, "planted-") && strings.Contains(strings.ReplaceAll(text, apiKey, ""), "planted-") {
				t.Errorf("%s names somebody: %s", what, text)
			}
		}
		if kept.all.Len() == 0 {
			t.Error("nothing was kept")
		}
	})
}

// prepareSampling makes a collector that may spend a share of the points.
func prepareSampling(t *testing.T, account *wherebytest.Account, share float64, poll time.Duration, records interface {
	quality.Store
	io.Closer
}) *bench {
	t.Helper()
	budget, err := whereby.NewBudget(share)
	if err == nil {
		// Of so few points too little can be seen to learn it.
		err = budget.SetReadCost(1)
	}
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, account: account, log: &logtest.Buffer{}}
	b.collector, err = newCollector(Config{
		Client: &whereby.Client{
			APIKey: whereby.StaticKey(apiKey), HTTPClient: &http.Client{Transport: account.RoundTripper()}, Budget: budget,
		},
		PollInterval: poll, FullPollInterval: 6 * time.Hour,
		Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, newKept(kept{quality: records}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keeping is a store that remembers all that was ever put in.
type keeping struct{ all strings.Builder }

func (k *keeping) Records() iter.Seq2[quality.Record, error] {
	return func(func(quality.Record, error) bool) {}
}

func (k *keeping) Keep(records []quality.Record, _ []string) error {
	for _, r := range records {
		k.all.WriteString(r.Key + " " + string(r.Value) + "\n")
	}
	return nil
}

func (k *keeping) Close() error { return nil }
