package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"whereby_exporter/whereby/wherebytest"
)

// fourYears gives an account a past with little in it: its history is some fifty files,
// a month each, that are written within a second.
func fourYears(account *wherebytest.Account) {
	now := time.Now()
	for i := range 24 {
		name := fmt.Sprintf("/%s%08x-0000-4000-8000-%012x", []string{"acme-", "globex-", "initech-", ""}[i%4], i, i)
		account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now.AddDate(-4, 0, 0)})
		for j := range 24 {
			start := now.AddDate(0, -2*j, -1-i).Add(-time.Duration(i*j) * time.Minute)
			account.Schedule(name, wherebytest.Session{Start: start, End: start.Add(40 * time.Minute), Participants: make([]wherebytest.Participant, 2+j%3)})
		}
	}
}

// whole are the files of a run that nobody disturbed, by what follows --output in their
// names.
type whole map[string][]byte

// found compares the files that stand under their final names with the whole ones: each
// is whole from the moment it is there. It returns how many there are.
func (w whole) found(t *testing.T, output string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(output))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), filepath.Base(output))
		if !ok || rest == ".partial" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(filepath.Dir(output), entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want, known := w[rest]
		if !known || !bytes.Equal(content, want) || !bytes.HasSuffix(content, []byte("\n# EOF\n")) {
			t.Errorf("%s holds %d bytes, want %d", entry.Name(), len(content), len(want))
		}
		n++
	}
	return n
}

// moment is one in a run's life: a file is there, or is there no more.
type moment struct {
	file string // what follows --output in its name
	gone bool
}

// until waits for a moment of a run, or until that has ended.
func (p *process) until(output string, m moment) (ended bool) {
	p.t.Helper()
	for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(20 * time.Microsecond) {
		if _, err := os.Lstat(output + m.file); (err != nil) == m.gone {
			return false
		}
		select {
		case err := <-p.done:
			p.done <- err
			return true
		default:
		}
	}
	p.t.Fatalf("neither came the moment %+v, nor has the process ended", m)
	return true
}

// TestBackfillSurvivesKillAtItsEnd kills the command when all is read, again and again:
// while it writes its files, while it moves them to their place, and while it deletes its
// work. Files to delete that are none of its own make the last take longer.
func TestBackfillSurvivesKillAtItsEnd(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited, NoRequestLog: true})
	fourYears(account)
	dir := t.TempDir()
	args := []string{"--end=" + time.Now().Add(-3*time.Hour).Format(time.RFC3339), "--interval=1h", "--label=job=whereby"}
	want := whole{}
	undisturbed := filepath.Join(dir, "undisturbed")
	for _, file := range backfill(t, api, undisturbed, args...) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want[strings.TrimPrefix(file, undisturbed)] = content
	}
	if len(want) < 40 {
		t.Fatalf("%d files", len(want))
	}

	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const rubbish = 300
	written := func() moment { return moment{file: ".partial/output." + strconv.Itoa(random.IntN(len(want)))} }
	moved := func() moment { return moment{file: "." + strconv.Itoa(1+random.IntN(len(want)-1))} }
	deleted := func() moment { return moment{file: ".partial/" + strconv.Itoa(random.IntN(rubbish)), gone: true} }
	var (
		begun    = moment{file: ".partial/output.0"}
		ready    = moment{file: ".partial/ready"}
		complete = moment{file: ""}
	)
	landed := map[string]int{}
	for round, moments := range [][]moment{
		{begun, written(), written(), ready, moved(), deleted()},
		{written(), {file: "." + strconv.Itoa(len(want)-1)}, moved(), complete},
		{ready, moved(), deleted()}, {ready, moved(), complete}, {ready, deleted()}, {ready, complete},
		{deleted()}, {deleted()},
	} {
		output := filepath.Join(dir, "killed"+strconv.Itoa(round))
		if err := os.Mkdir(output+".partial", 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range rubbish {
			if err := os.WriteFile(filepath.Join(output+".partial", strconv.Itoa(i)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		over := false // the run that was killed had nothing left to do
		for _, m := range moments {
			p := startBackfill(t, api, output, args...)
			if !p.until(output, m) {
				_ = p.cmd.Process.Kill()
			}
			if err := p.wait(2 * time.Minute); err != nil && !strings.Contains(err.Error(), "killed") {
				t.Fatalf("%v\n%s", err, p.out)
			}
			n := want.found(t, output)
			work, gone := os.ReadDir(output + ".partial")
			switch {
			case n == 0:
				landed["writing"]++
			case n < len(want):
				landed["moving"]++
			case gone == nil:
				landed["deleting"]++
			}
			if over = n == len(want) && len(work) == 0; over {
				break
			}
		}
		p := startBackfill(t, api, output, args...)
		err := p.wait(2 * time.Minute)
		if over && (err == nil || !strings.Contains(p.out.String(), output+" already exists")) || !over && err != nil {
			t.Errorf("the last run: %v\n%s", err, p.out)
		}
		if n := want.found(t, output); n != len(want) {
			t.Errorf("%d files, want %d", n, len(want))
		}
		if _, err := os.Stat(output + ".partial"); err == nil {
			t.Error("the work directory is left")
		}
	}
	t.Logf("%d files; kills landed while it was %v", len(want), landed)
	if landed["writing"] == 0 {
		t.Error("no kill landed while it wrote")
	}
}
