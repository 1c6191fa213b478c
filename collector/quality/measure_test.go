package quality

import (
	"math"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

func repeat(n int, pattern ...float64) []float64 {
	var all []float64
	for range n {
		all = append(all, pattern...)
	}
	return all
}

var gap = math.NaN()

func TestMeasure(t *testing.T) {
	for name, tc := range map[string]struct {
		connections []whereby.Connection
		send, recv  Samples
		sustained   time.Duration
	}{
		"nobody": {},
		"the threshold itself is poor": {
			[]whereby.Connection{{PacketLossSend: []float64{2.9, 3, 3.1}}},
			Samples{Good: 1, Poor: 2, Loss: 9}, Samples{}, 4 * time.Second,
		},
		"spikes of 4 s add up to nothing sustained": {
			[]whereby.Connection{{PacketLossRecv: repeat(50, 8, 8, 0)}},
			Samples{}, Samples{Good: 50, Poor: 100, Loss: 800}, 4 * time.Second,
		},
		"a gap neither ends nor lengthens a run": {
			[]whereby.Connection{{PacketLossSend: []float64{5, gap, 5, gap, gap, 5, 0, 5}}},
			Samples{Good: 1, Poor: 4, Loss: 20}, Samples{}, 6 * time.Second,
		},
		"what can be no loss is a gap": {
			[]whereby.Connection{{PacketLossSend: []float64{-1, 101, math.Inf(1), 100, 0}}},
			Samples{Good: 1, Poor: 1, Loss: 100}, Samples{}, 2 * time.Second,
		},
		"what can be no bitrate is a gap": {
			[]whereby.Connection{{BitrateSend: []float64{-1, 1e300, gap, 0, 1000}}},
			Samples{Bits: 1000, Bitrates: 2}, Samples{}, 0,
		},
		"arrays of unequal length count each to its end": {
			[]whereby.Connection{{PacketLossSend: []float64{1}, PacketLossRecv: []float64{1, 1, 1}, BitrateSend: []float64{}, BitrateRecv: repeat(5, 10)}},
			Samples{Good: 1, Loss: 1}, Samples{Good: 3, Loss: 3, Bits: 50, Bitrates: 5}, 0,
		},
		"runs do not reach from one connection into the next": {
			[]whereby.Connection{{PacketLossSend: repeat(3, 9)}, {PacketLossSend: repeat(4, 9)}},
			Samples{Poor: 7, Loss: 63}, Samples{}, 8 * time.Second,
		},
		"the rate is the answer's": {
			[]whereby.Connection{{SampleRate: 500 * time.Millisecond, PacketLossSend: repeat(4, 9)}},
			Samples{Poor: 4, Loss: 36}, Samples{}, 2 * time.Second,
		},
		"six hours": {
			[]whereby.Connection{{SampleRate: 2 * time.Second, PacketLossRecv: repeat(10800, 4)}},
			Samples{}, Samples{Poor: 10800, Loss: 43200}, 6 * time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := Measure(tc.connections)
			if m.Samples[Send] != tc.send || m.Samples[Recv] != tc.recv || m.Sustained != tc.sustained {
				t.Errorf("got %+v, sustained %v; want %+v and %+v, %v", m.Samples, m.Sustained, tc.send, tc.recv, tc.sustained)
			}
		})
	}
}

func TestMeansOfNothingAreUnknown(t *testing.T) {
	var s Samples
	for name, of := range map[string]func() (float64, bool){"loss": s.LossRatio, "poor": s.PoorRatio, "bitrate": s.Bitrate} {
		if value, ok := of(); ok || math.IsNaN(value) {
			t.Errorf("%s of nothing is %v, %v", name, value, ok)
		}
	}
	s = Samples{Good: 3, Poor: 1, Loss: 20, Bits: 900, Bitrates: 3}
	loss, _ := s.LossRatio()
	poor, _ := s.PoorRatio()
	bitrate, _ := s.Bitrate()
	if loss != 0.05 || poor != 0.25 || bitrate != 300 {
		t.Errorf("loss %v, poor %v, bitrate %v", loss, poor, bitrate)
	}
}

func TestDeviceOf(t *testing.T) {
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]Device{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/138.0.0.0 Safari/537.36":                                                          {"chrome", "windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0":                                            {"edge", "windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + webkit + "Chrome/138.0.0.0 Safari/537.36 OPR/120.0.0.0":                                      {"opera", "macos"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                          {"safari", "macos"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1":        {"safari", "ios"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.53 Mobile/15E148 Safari/604.1": {"chrome", "ios"},
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15":               {"firefox", "ios"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148":                                  {"webview", "ios"},
		"Mozilla/5.0 (Linux; Android 15; Pixel 9)" + webkit + "Chrome/138.0.0.0 Mobile Safari/537.36":                                                    {"chrome", "android"},
		"Mozilla/5.0 (Linux; Android 15; SM-S938B)" + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":                               {"samsung", "android"},
		"Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/AP4A.250205.002; wv)" + webkit + "Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36":              {"webview", "android"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/138.0.0.0 Safari/537.36":                                                           {"chrome", "chromeos"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                         {"firefox", "linux"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + webkit + "acme/1.2 Chrome/134.0.0.0 Electron/35.1.0 Safari/537.36":                           {"electron", "macos"},
		"":               {"other", "other"},
		"curl/8.5.0":     {"other", "other"},
		"something else": {"other", "other"},
	} {
		if got := DeviceOf(agent); got != want {
			t.Errorf("%q is %v; want %v", agent, got, want)
		}
	}
}

// FuzzDeviceOf: whatever a client calls itself, the labels are of the list.
func FuzzDeviceOf(f *testing.F) {
	for _, agent := range []string{"", "Mozilla/5.0 (Linux; Android 15; wv) Chrome/1", "Edg/\x00Windows", "OPR/ CrOS X11"} {
		f.Add(agent)
	}
	known := map[string]bool{other: true}
	for _, tokens := range [][]token{browsers, systems} {
		for _, t := range tokens {
			known[t.means] = true
		}
	}
	f.Fuzz(func(t *testing.T, agent string) {
		if d := DeviceOf(agent); !known[d.Browser] || !known[d.OS] {
			t.Errorf("%q is %v", agent, d)
		}
	})
}

func TestFiguresOfTheLastDay(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)
	f := &Figures{}
	good := Measurement{Samples: [directions]Samples{{Good: 10, Loss: 5}, {Good: 8, Poor: 2, Loss: 40}}}
	for _, hours := range []int{0, 5, 23, 24, 30} {
		f.sample(good, DefaultPoorAfter, now.Add(-time.Duration(hours)*time.Hour))
		f.rate(1, 5, now.Add(-time.Duration(hours)*time.Hour))
	}
	day := f.lastDay(now)
	if day.Samples[Send].Good != 30 || day.Samples[Recv].Poor != 6 || day.Ratings != 3 || day.Stars != 15 {
		t.Errorf("the last day is %+v", day)
	}
	if f.Samples[Send].Good != 50 || f.Sampled != 5 || f.Ratings != 5 {
		t.Errorf("the lifetime figures are %+v", f)
	}
	f.forget(now)
	if len(f.Hours) != 3 || f.lastDay(now) != day {
		t.Errorf("%d hours are kept, which come to %+v", len(f.Hours), f.lastDay(now))
	}
}
