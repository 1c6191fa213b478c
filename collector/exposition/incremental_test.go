package exposition

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// simulation is families whose samples a test changes.
type simulation struct {
	random   *rand.Rand
	families []*simulatedFamily
}

type simulatedFamily struct {
	Family
	samples map[[2]string]float64
	// order is the seed of the order in which samples come; 0 is sorted.
	order uint64
}

func newSimulation(seed uint64) *simulation {
	m := &simulation{random: rand.New(rand.NewPCG(seed, 0))}
	for i := range 6 {
		f := &simulatedFamily{samples: map[[2]string]float64{}}
		f.Name, f.Help, f.Type = fmt.Sprintf("usage_%d_total", i), "Usage.", dto.MetricType_COUNTER
		if i%2 == 0 {
			f.Name, f.Type = fmt.Sprintf("usage_%d", i), dto.MetricType_GAUGE
		}
		// Label names in either order.
		f.Labels = [][]string{nil, {"prefix"}, {"prefix", "role"}, {"role", "prefix"}}[m.random.IntN(4)]
		m.families = append(m.families, f)
	}
	return m
}

// change changes some families.
func (m *simulation) change() {
	for _, f := range m.families {
		switch m.random.IntN(10) {
		case 0:
			clear(f.samples)
		case 1:
			f.Help = fmt.Sprintf("Usage, %d.", m.random.IntN(3))
		case 2: // many at once
			for range m.random.IntN(6 * blockLength) {
				f.set(m.random)
			}
		case 3: // a range goes
			from := m.random.IntN(1000)
			for key := range f.samples {
				if key[0] >= fmt.Sprintf("p%04d", from) && key[0] < fmt.Sprintf("p%04d", from+300) {
					delete(f.samples, key)
				}
			}
		case 4: // a few come or go
			for range m.random.IntN(4) {
				f.set(m.random)
			}
			for _, key := range f.keys() {
				if m.random.IntN(1+len(f.samples)) < 2 {
					delete(f.samples, key)
				}
			}
		case 5:
			f.order = uint64(m.random.IntN(3))
		default: // values change, as many of them as it happens to be
			every := 1 + m.random.IntN(500)
			for _, key := range f.keys() {
				if m.random.IntN(every) == 0 {
					f.samples[key]++
				}
			}
		}
	}
}

// keys returns the label values of the samples, sorted.
func (f *simulatedFamily) keys() [][2]string {
	return slices.SortedFunc(maps.Keys(f.samples), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

func (f *simulatedFamily) set(random *rand.Rand) {
	key := [2]string{}
	if len(f.Labels) > 0 {
		key[0] = fmt.Sprintf("p%04d", random.IntN(1000))
	}
	if len(f.Labels) > 1 {
		key[1] = []string{"host", "visitor", `vi"si\tor`}[random.IntN(3)]
	}
	f.samples[key] = float64(random.IntN(5))
	if random.IntN(10) == 0 {
		f.samples[key] = random.NormFloat64() * 1e12
	}
}

// now returns the families as they are.
func (m *simulation) now() []Family {
	var families []Family
	for _, f := range m.families {
		keys := f.keys()
		if f.order > 0 {
			// As long as the keys are the same, so is the order.
			rand.New(rand.NewPCG(f.order, 0)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		}
		samples := maps.Clone(f.samples)
		now := f.Family
		now.Samples = func(yield func([]string, float64)) {
			labels := make([]string, len(f.Labels))
			for _, key := range keys {
				copy(labels, key[:])
				yield(labels, samples[key])
			}
		}
		families = append(families, now)
	}
	m.random.Shuffle(len(families), func(i, j int) { families[i], families[j] = families[j], families[i] })
	return families
}

// fromScratch is what expfmt makes of families in the order in which a handler serves them.
func fromScratch(t *testing.T, format expfmt.Format, parts ...[]Family) []byte {
	t.Helper()
	var all []*dto.MetricFamily
	for _, part := range parts {
		families, err := registry(t, constants(part)).Gather()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, families...)
	}
	var b bytes.Buffer
	if err := encode(&b, format, all, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzIncremental changes families at random, and wants each scrape to be, byte for byte,
// what encoding everything from scratch gives.
func FuzzIncremental(f *testing.F) {
	oneAtATime(f)
	for seed := range uint64(3) {
		f.Add(seed, uint8(8))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) {
		m := newSimulation(seed)
		var dynamic []Family
		h := NewHandler(registry(t), Options{
			Dynamic: func() []Family { return dynamic },
			OnError: func(err error) { t.Error(err) },
		})
		split := m.random.IntN(len(m.families) + 1)
		var published []Family
		for step := range min(steps, 50) {
			m.change()
			families := m.now()
			slices.SortFunc(families, func(a, b Family) int { return strings.Compare(a.Name, b.Name) })
			dynamic = families[split:]
			if published == nil || m.random.IntN(3) == 0 {
				published = slices.Clone(families[:split])
				slices.Reverse(published) // the order is free
				h.Publish(published, nil)
			}
			for _, format := range expfmt.DefaultOpenMetricsAcceptedFormats() {
				want := fromScratch(t, format, published, dynamic)
				for _, c := range []coding{identity, gzipped} {
					if m.random.IntN(3) == 0 {
						continue // what is kept for it may be from some scrapes ago
					}
					pieces, err := h.pieces(format, c, nil)
					if err != nil {
						t.Fatal(err)
					}
					got := bytes.Join(join(c, pieces).pieces, nil)
					if c == gzipped {
						got = gunzipOne(t, got)
					}
					if !bytes.Equal(got, want) {
						t.Fatalf("step %d, %s, %s: %d bytes differ from the %d wanted", step, format, c, len(got), len(want))
					}
				}
			}
		}
	})
}

// TestUnchangedBlocksAreUsedAgain counts the blocks that are made when a family of 10,000
// samples changes.
func TestUnchangedBlocksAreUsedAgain(t *testing.T) {
	oneAtATime(t)
	const length = 10_000
	key := func(i int) string { return fmt.Sprintf("p%05d", i) }
	// values are at even numbers, so that others can come between them.
	from := func(change func(map[string]float64)) []Family {
		values := map[string]float64{}
		for i := range length {
			values[key(2*i)] = float64(i)
		}
		change(values)
		return []Family{{Name: "usage", Type: dto.MetricType_GAUGE, Labels: []string{"prefix"},
			Samples: func(yield func([]string, float64)) {
				for _, k := range slices.Sorted(maps.Keys(values)) {
					yield([]string{k}, values[k])
				}
			}}}
	}
	before := read(from(func(map[string]float64) {}), nil)
	old := map[*block]bool{}
	for _, b := range before.families[0].blocks {
		old[b] = true
	}
	if want := length/blockLength + 1; len(old) != want {
		t.Errorf("%d blocks, want %d with the head", len(old), want)
	}
	for name, test := range map[string]struct {
		change func(map[string]float64)
		most   int // of new blocks
	}{
		"nothing":                {func(map[string]float64) {}, 0},
		"a value":                {func(v map[string]float64) { v[key(7000)]++ }, 1},
		"the first and the last": {func(v map[string]float64) { v[key(0)]++; v[key(2*length-2)]++ }, 2},
		"one comes":              {func(v map[string]float64) { v[key(7001)] = 1 }, 1},
		"one comes first":        {func(v map[string]float64) { v["a"] = 1 }, 1},
		"one comes last":         {func(v map[string]float64) { v["z"] = 1 }, 1},
		"one goes":               {func(v map[string]float64) { delete(v, key(7000)) }, 1},
		"the first goes":         {func(v map[string]float64) { delete(v, key(0)) }, 1},
		"a thousand go": {func(v map[string]float64) {
			for i := range 1000 {
				delete(v, key(2*(i+3000)))
			}
		}, 2},
		"a thousand come at once": {func(v map[string]float64) {
			for i := range 1000 {
				v[fmt.Sprintf("%s-%d", key(7001), i)] = 1
			}
		}, 1000/blockLength + 2},
	} {
		t.Run(name, func(t *testing.T) {
			made := 0
			for _, b := range read(from(test.change), before).families[0].blocks {
				if !old[b] {
					made++
				}
			}
			if made > test.most {
				t.Errorf("%d blocks were made, want at most %d", made, test.most)
			}
		})
	}
}

// TestSamplesAreReadOnce wants families that have the same samples as before, if with other
// values, to be read once, whatever their order.
func TestSamplesAreReadOnce(t *testing.T) {
	calls, moment := 0, 0
	families := []Family{{Name: "usage", Type: dto.MetricType_GAUGE, Labels: []string{"prefix", "kind"},
		Samples: func(yield func([]string, float64)) {
			calls++
			for i := range 1000 {
				for _, kind := range []string{"participants", "minutes"} {
					value := 0
					if i == 500 {
						value = moment
					}
					yield([]string{fmt.Sprintf("p%d", i), kind}, float64(value))
				}
			}
		}}}
	first := read(families, nil)
	calls, moment = 0, 1
	next := read(families, first)
	if calls != 1 {
		t.Errorf("read %d times, want once", calls)
	}
	changed := 0
	for i, b := range next.families[0].blocks {
		if b != first.families[0].blocks[i] {
			changed++
		}
	}
	if changed != 2 { // one for each kind, which sorts before the prefix
		t.Errorf("%d blocks have changed, want 2", changed)
	}
	if again := read(families, next); !slices.Equal(again.families[0].blocks, next.families[0].blocks) {
		t.Error("blocks have changed, though no value has")
	}
}

// TestBlocksStayLong has samples come one after another, and then go.
func TestBlocksStayLong(t *testing.T) {
	oneAtATime(t)
	const length = 8 * blockLength
	var last *set
	check := func(n int) {
		t.Helper()
		last = read([]Family{{Name: "usage", Type: dto.MetricType_GAUGE, Labels: []string{"prefix"},
			Samples: func(yield func([]string, float64)) {
				for i := range n {
					yield([]string{fmt.Sprintf("p%05d", i)}, 1)
				}
			}}}, last)
		if got, most := len(last.families[0].blocks), 2*(n/blockLength+1)+1; got > most {
			t.Fatalf("%d samples are in %d blocks, want at most %d", n, got, most)
		}
	}
	for n := 1; n <= length; n++ {
		check(n)
	}
	for n := length; n > 0; n -= 7 {
		check(n)
	}
}
