package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/durable/durabletest"
)

// opened opens a journal that works.
func opened(t *testing.T, fsys *durabletest.FS) *Journal {
	t.Helper()
	j, _, _, err := tryOpen(fsys, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestWhatCannotBeARecord(t *testing.T) {
	j := opened(t, durabletest.New(dir))
	if err := j.Append(t.Context(), make([]byte, MaxRecord+1), nil); err == nil {
		t.Error("a record that is too long is acknowledged")
	}
	if err := j.Append(t.Context(), nil, nil); err == nil {
		t.Error("an empty record is acknowledged")
	}
	add(t, j, string(make([]byte, MaxRecord)))
}

// TestAFileOfAFailedWriteIsNotWrittenAgain has a write or sync fail. A sync after one that
// failed may succeed and sync nothing, so that the power then takes what it claimed.
func TestAFileOfAFailedWriteIsNotWrittenAgain(t *testing.T) {
	for _, op := range []durabletest.Op{durabletest.Write, durabletest.Sync} {
		for seed := range uint64(20) {
			fsys := durabletest.New(dir)
			j := opened(t, fsys)
			var repairs []Repair
			j.options.OnRepair = func(r Repair) { repairs = append(repairs, r) }
			add(t, j, "a")
			fsys.Fault = func(c durabletest.Call) (f durabletest.Fault) {
				if c.Op == op {
					f.Err = durabletest.ErrInjected
				}
				return f
			}
			if err := j.Append(t.Context(), []byte("b"), nil); !errors.Is(err, durabletest.ErrInjected) {
				t.Fatalf("the error of a failed %s is %v", op, err)
			}
			fsys.Fault = nil
			if len(repairs) != 1 || repairs[0].Path != name(1) {
				t.Errorf("the repairs are %v", repairs)
			}
			add(t, j, "c")
			fsys.LosePower(rand.New(rand.NewPCG(seed, 0)))
			reopen(t, fsys, "a", "c")
		}
	}
}

// TestAFullDiskIsLeftFullOfNothing has events refused while there is no space, and taken
// once there is: what failed takes none.
func TestAFullDiskIsLeftFullOfNothing(t *testing.T) {
	fsys := durabletest.New(dir)
	fsys.SetSpace(0)
	j := opened(t, fsys) // it starts nevertheless
	for space := range 80 {
		fsys.SetSpace(space)
		if err := j.Append(t.Context(), []byte("a record that needs space"), nil); err == nil {
			t.Fatalf("a record was taken with %d bytes of space", space)
		}
	}
	if paths := fsys.Paths(); len(paths) != 0 {
		t.Errorf("%q are left", paths)
	}
	fsys.SetSpace(1000)
	add(t, j, "a")
	reopen(t, fsys, "a")
}

// TestAHangingDiskIsNotWaitedForInMemory has thousands of callers give up. What they sent
// is not written later, but for what was being written, and takes no memory; beyond what
// one write takes, nobody is made to wait.
func TestAHangingDiskIsNotWaitedForInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := durabletest.New(dir)
		j := opened(t, fsys)
		add(t, j, "before")
		hang := make(chan struct{})
		fsys.Hang = hang
		send := func(ctx context.Context, record []byte) <-chan error {
			done := make(chan error, 1)
			go func() { done <- j.Append(ctx, record, nil) }()
			return done
		}
		written := send(t.Context(), []byte("being written"))
		synctest.Wait()
		for i := range 20_000 {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			done := send(ctx, fmt.Appendf(nil, "given up %d", i))
			if i%100 == 99 {
				synctest.Wait()
				time.Sleep(5 * time.Second)
			}
			defer cancel()
			_ = done
		}
		synctest.Wait()
		if n := len(j.next.entries); n != 0 || j.next.bytes != 0 {
			t.Errorf("%d records of callers who gave up wait", n)
		}
		large := make([]byte, MaxRecord/10-maxPrefix)
		var waiting []<-chan error
		for range 10 {
			waiting = append(waiting, send(t.Context(), large))
		}
		synctest.Wait()
		if err := <-send(t.Context(), large); !errors.Is(err, errBusy) {
			t.Errorf("beyond what is bounded: %v", err)
		}
		fsys.Hang = nil
		close(hang)
		for _, done := range append(waiting, written) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		_, got, _, err := tryOpen(fsys, dir, 0)
		if err != nil || len(got) != 12 {
			t.Errorf("%d records are there, %v; want 12", len(got), err)
		}
	})
}
