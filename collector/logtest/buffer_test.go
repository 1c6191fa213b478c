package logtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestABufferKeepsTheLinesOfAllGoroutines(t *testing.T) {
	const writers, lines = 8, 100
	var (
		b     Buffer
		group sync.WaitGroup
		taken []string
	)
	for w := range writers {
		group.Go(func() {
			for i := range lines {
				fmt.Fprintf(&b, "writer %d, line %d\n", w, i)
			}
		})
	}
	taken = append(taken, b.Take()...)
	group.Wait()
	left := b.String()
	last := b.Take()
	if strings.Join(last, "") != left {
		t.Errorf("the lines taken are %q; want those of %q", last, left)
	}
	taken = append(taken, last...)
	slices.Sort(taken)
	if n := len(slices.Compact(taken)); n != writers*lines {
		t.Errorf("%d lines were taken; want %d", n, writers*lines)
	}
	if left := b.String(); left != "" {
		t.Errorf("after all were taken, %q is left", left)
	}
}
