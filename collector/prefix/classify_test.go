package prefix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"whereby_exporter/collector/prefix"
)

const uuid = "793e9ec1-c686-423d-9043-9b7a10c553fd"

// TestClassifierFindsTheLongestPrefix compares with looking at every prefix.
func TestClassifierFindsTheLongestPrefix(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	word := func(most int) string {
		b := make([]byte, random.IntN(most)+1)
		for i := range b {
			b[i] = "ab-"[random.IntN(3)]
		}
		return string(b)
	}
	for range 500 {
		var configured []string
		for range random.IntN(30) {
			configured = append(configured, word(6))
		}
		classifier := prefix.NewClassifier(configured, nil)
		for range 20 {
			name, want := word(9), "_none"
			for _, p := range configured {
				if strings.HasPrefix(name, p) && (want == "_none" || len(p) > len(want)) {
					want = p
				}
			}
			if got := classifier.Of("/" + name); got != want {
				t.Fatalf("%q is under %q; want %q of %v", name, got, want, configured)
			}
		}
	}
}

func BenchmarkClassifier(b *testing.B) {
	configured := make([]string, 10_000)
	for i := range configured {
		configured[i] = fmt.Sprintf("customer-%d-", i)
	}
	classifier := prefix.NewClassifier(configured, nil)
	for name, room := range map[string]string{"configured": "/customer-7654-" + uuid, "another": "/initech-" + uuid} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				classifier.Of(room)
			}
		})
	}
}
