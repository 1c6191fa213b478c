package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheReportShowsWhatFailedAndWhatWasSkipped(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	r.add([]byte("go: a line that is no event\n"))
	for _, e := range []event{
		{Action: "build-output", Output: "x.go:1:1: does not compile\n"},
		{Action: "output", Package: "good", Test: "TestPasses", Output: "words of one that passes\n"},
		{Action: "pass", Package: "good", Test: "TestPasses"},
		{Action: "output", Package: "good", Test: "TestSkips", Output: "=== RUN   TestSkips\n"},
		{Action: "output", Package: "good", Test: "TestSkips", Output: "    need.go:22: there is no fish here: none\n"},
		{Action: "output", Package: "good", Test: "TestSkips", Output: "--- SKIP: TestSkips (0.00s)\n"},
		{Action: "skip", Package: "good", Test: "TestSkips"},
		{Action: "output", Package: "bad", Test: "TestFails", Output: "words of one that fails\n"},
		{Action: "output", Package: "bad", Test: "TestHangs", Output: "words of one that never ends\n"},
		{Action: "fail", Package: "bad", Test: "TestFails"},
		{Action: "output", Package: "good", Output: "PASS\n"},
		{Action: "output", Package: "good", Output: "ok  \tgood\t1.5s\n"},
		{Action: "pass", Package: "good", Elapsed: 1.5},
		{Action: "output", Package: "quick", Output: "ok  \tquick\t0.1s\n"},
		{Action: "pass", Package: "quick", Elapsed: 0.1},
		{Action: "output", Package: "bad", Output: "FAIL\tbad\t2s\n"},
		{Action: "fail", Package: "bad", Elapsed: 2},
		{Action: "output", Package: "empty", Output: "?   \tempty\t[no test files]\n"},
		{Action: "skip", Package: "empty"},
	} {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		r.add(line)
	}
	r.summarize()
	want := `go: a line that is no event
x.go:1:1: does not compile
ok  	good	1.5s
ok  	quick	0.1s
words of one that fails
words of one that never ends
FAIL	bad	2s
skipped 1: there is no fish here: none
the slowest packages:
    1.5s good
    0.1s quick
`
	if out.String() != want {
		t.Errorf("it says\n%s\nwant\n%s", out.String(), want)
	}
}
