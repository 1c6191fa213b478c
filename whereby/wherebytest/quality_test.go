package wherebytest_test

import (
	"fmt"
	"math"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// callsOf makes a session of n participants that has just ended.
func callsOf(config wherebytest.Config, n int, length time.Duration, p wherebytest.Participant) *wherebytest.Account {
	account := wherebytest.New(config)
	account.AddRoom(wherebytest.Room{Name: roomName, CreatedAt: time.Now()})
	s := wherebytest.Session{Start: time.Now(), End: time.Now().Add(length)}
	for range n {
		s.Participants = append(s.Participants, p)
	}
	account.Schedule(roomName, s)
	time.Sleep(length + config.Lag + time.Second)
	return account
}

const roomName = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"

// sustained returns the longest time of 3% loss or more.
func sustained(t wherebytest.Trace) time.Duration {
	var longest time.Duration
	for _, samples := range [][]float64{t.PacketLossSend, t.PacketLossRecv} {
		run := time.Duration(0)
		for _, loss := range samples {
			if loss >= 3 {
				run += t.SampleRate
			} else if !math.IsNaN(loss) {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	return longest
}

func TestNetworksAreWhatTheySay(t *testing.T) {
	for network, want := range map[wherebytest.Network]struct {
		poor        [2]float64 // the share of samples of 3% loss or more, from and to
		least, most time.Duration
		bitrate     [2]float64
	}{
		wherebytest.GoodNetwork:        {[2]float64{0, 0}, 0, 0, [2]float64{1.2e6, 2.3e6}},
		wherebytest.SpikyNetwork:       {[2]float64{0.01, 0.04}, 2 * time.Second, 4 * time.Second, [2]float64{1.2e6, 2.3e6}},
		wherebytest.CongestedNetwork:   {[2]float64{0.35, 0.65}, time.Minute, time.Hour, [2]float64{0.3e6, 1.3e6}},
		wherebytest.LossyMobileNetwork: {[2]float64{0.35, 0.65}, 30 * time.Second, time.Hour, [2]float64{0.3e6, 1.4e6}},
	} {
		t.Run(network.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := callsOf(wherebytest.Config{}, 30, time.Hour, wherebytest.Participant{Network: network})
				var poor, all, bits, n float64
				for _, p := range account.Quality(time.Time{}) {
					if p.Network != network {
						t.Fatalf("the network is %v", p.Network)
					}
					for _, trace := range p.Traces {
						if s := sustained(trace); s < want.least || s > want.most {
							t.Errorf("loss is sustained for %v; want from %v to %v", s, want.least, want.most)
						}
						for _, loss := range append(trace.PacketLossSend, trace.PacketLossRecv...) {
							all++
							if loss >= 3 {
								poor++
							}
						}
						for _, rate := range append(trace.BitrateSend, trace.BitrateRecv...) {
							bits += rate
							n++
						}
					}
				}
				if share := poor / all; share < want.poor[0] || share > want.poor[1] || all != 30*2*1800 {
					t.Errorf("%v of %v samples are poor; want from %v to %v", share, all, want.poor[0], want.poor[1])
				}
				if mean := bits / n; mean < want.bitrate[0] || mean > want.bitrate[1] {
					t.Errorf("the bitrate is %.0f; want from %.0f to %.0f", mean, want.bitrate[0], want.bitrate[1])
				}
			})
		})
	}
}

func TestNetworksAreMixedAsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shares := func(account *wherebytest.Account) map[wherebytest.Network]float64 {
			counts := map[wherebytest.Network]float64{}
			people := account.Quality(time.Now().Add(-time.Hour))
			for _, p := range people {
				counts[p.Network] += 1 / float64(len(people))
			}
			return counts
		}
		account := callsOf(wherebytest.Config{Networks: wherebytest.NetworkMix{Good: 1, LossyMobile: 1}}, 1000, time.Minute, wherebytest.Participant{})
		before := shares(account)
		if good := before[wherebytest.GoodNetwork]; math.Abs(good-0.5) > 0.06 || math.Abs(good+before[wherebytest.LossyMobileNetwork]-1) > 1e-9 {
			t.Errorf("the mix is %v", before)
		}
		// What was said of the past stays.
		account.SetNetworks("acme-", wherebytest.NetworkMix{Congested: 1})
		account.SetNetworks("globex-", wherebytest.NetworkMix{Spiky: 1})
		if after := shares(account); !reflect.DeepEqual(before, after) {
			t.Errorf("the past changed from %v to %v", before, after)
		}
		time.Sleep(2 * time.Hour)
		account.Schedule(roomName, wherebytest.Session{Start: time.Now(), End: time.Now().Add(time.Minute), Participants: make([]wherebytest.Participant, 50)})
		time.Sleep(time.Hour / 2)
		if after := shares(account); math.Abs(after[wherebytest.CongestedNetwork]-1) > 1e-9 {
			t.Errorf("the mix became %v", after)
		}
	})
}

// TestTheTruthOfQualityIsWhatAClientReads: in every style of writing, with gaps and
// without arrays, somebody who came back and a recorder too.
func TestTheTruthOfQualityIsWhatAClientReads(t *testing.T) {
	for name, config := range map[string]wherebytest.Config{
		"plain":          {},
		"gaps are null":  {Nulls: wherebytest.ExplicitNulls},
		"missing arrays": {MissingSeries: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := wherebytest.New(config)
				account.AddRoom(wherebytest.Room{Name: roomName, CreatedAt: time.Now()})
				s := wherebytest.Session{Start: time.Now(), End: time.Now().Add(20 * time.Minute), Participants: make([]wherebytest.Participant, 20)}
				s.Participants = append(s.Participants,
					wherebytest.Participant{ID: "back", Left: time.Now().Add(5 * time.Minute)},
					wherebytest.Participant{ID: "back", Joined: time.Now().Add(9 * time.Minute)},
					wherebytest.Participant{Role: wherebytest.RoleRecorder})
				account.Schedule(roomName, s)
				time.Sleep(time.Hour)
				truth := account.Quality(time.Time{})
				if len(truth) != 21 {
					t.Fatalf("%d people took part; want 21", len(truth))
				}
				client := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
				gaps, missing := 0, 0
				for _, p := range truth {
					read, err := client.Participant(t.Context(), p.SessionID, p.ID)
					if err != nil || len(read) != len(p.Traces) {
						t.Fatalf("%d connections read, %d in truth: %v", len(read), len(p.Traces), err)
					}
					for i, c := range read {
						want := p.Traces[i]
						got := wherebytest.Trace{SampleRate: c.SampleRate, PacketLossSend: c.PacketLossSend, PacketLossRecv: c.PacketLossRecv, BitrateSend: c.BitrateSend, BitrateRecv: c.BitrateRecv}
						if fmt.Sprint(got) != fmt.Sprint(want) || i == 0 && c.UserAgent != p.UserAgent {
							t.Errorf("of %s, who has the network %v, something else was read", p.ID, p.Network)

						}
						for _, series := range [][]float64{want.PacketLossSend, want.PacketLossRecv, want.BitrateSend, want.BitrateRecv} {
							if series == nil {
								missing++
							}
							for _, v := range series {
								if math.IsNaN(v) {
									gaps++
								}
							}
						}
					}
				}
				if (gaps > 0) != (config.Nulls == wherebytest.ExplicitNulls) || (missing > 0) != config.MissingSeries {
					t.Errorf("%d gaps and %d missing arrays", gaps, missing)
				}
			})
		})
	}
}

func TestWhatIsSaidOfSomebodyGrowsAndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := wherebytest.New(wherebytest.Config{})
		account.AddRoom(wherebytest.Room{Name: roomName, CreatedAt: time.Now()})
		id := account.Schedule(roomName, wherebytest.Session{ID: "s", Start: time.Now(), End: time.Now().Add(time.Hour), Participants: []wherebytest.Participant{{ID: "p"}, {}}})
		client := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
		var before []float64
		for range 8 {
			time.Sleep(10 * time.Minute)
			read, err := client.Participant(t.Context(), id, "p")
			if err != nil || len(read) != 1 {
				t.Fatalf("%v, %v", read, err)
			}
			now := read[0].PacketLossRecv
			if len(now) < len(before) || !slices.Equal(now[:len(before)], before) {
				t.Fatalf("what was said changed")
			}
			before = now
		}
		if len(before) != 1800 {
			t.Errorf("%d samples of an hour", len(before))
		}
	})
}

func TestBadTracesAreReadForWhatIsGood(t *testing.T) {
	for _, kind := range wherebytest.BadTraceKinds() {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := callsOf(wherebytest.Config{}, 2, 10*time.Minute, wherebytest.Participant{})
				client := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
				p := account.Quality(time.Time{})[0]
				good, err := client.Participant(t.Context(), p.SessionID, p.ID)
				if err != nil {
					t.Fatal(err)
				}
				account.Inject(wherebytest.BadTrace(kind))
				bad, err := client.Participant(t.Context(), p.SessionID, p.ID)
				if err != nil || len(bad) != 1 {
					t.Fatalf("%v, %v", bad, err)
				}
				if fmt.Sprint(good) == fmt.Sprint(bad) {
					t.Error("nothing is bad")
				}
			})
		})
	}
}
