package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/durable/durabletest"
)

const dir = "/events"

// name is that of a file in dir.
func name(number int) string { return filepath.Join(dir, fmt.Sprintf("%020d.journal", number)) }

// written returns a journal with the given records in each of its files, and what it has in
// the newest.
func written(t *testing.T, files ...[]string) (fsys *durabletest.FS, newest []byte) {
	t.Helper()
	fsys = durabletest.New(dir)
	for _, records := range files {
		j, _, _, err := tryOpen(fsys, dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		add(t, j, records...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fsys, fsys.Content(name(len(files)))
}

// reopen opens a journal, and holds that it goes on: a further record follows what was there,
// also after the next start.
func reopen(t *testing.T, fsys *durabletest.FS, want ...string) []Repair {
	t.Helper()
	j, got, repairs, err := tryOpen(fsys, dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, got, want...)
	add(t, j, "later")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, got, again, err := tryOpen(fsys, dir, 0)
	if err != nil || len(again) > 0 {
		t.Fatalf("after a repair it takes %v, %v", again, err)
	}
	expect(t, got, append(slices.Clone(want), "later")...)
	return repairs
}

// refused holds that a journal is damaged in a file and unchanged, and that the way out that
// the error names leads to the given records.
func refused(t *testing.T, fsys *durabletest.FS, file string, wayOut ...string) {
	t.Helper()
	before := fsys.Clone()
	_, _, _, err := tryOpen(fsys, dir, 0)
	var damaged *durable.DamagedError
	if !errors.As(err, &damaged) || damaged.Path != file {
		t.Fatalf("the error is %v; want damage in %s", err, file)
	}
	for _, path := range before.Paths() {
		if !bytes.Equal(fsys.Content(path), before.Content(path)) {
			t.Fatalf("%s was changed", path)
		}
	}
	switch content := fsys.Content(file); {
	case content == nil && strings.HasSuffix(err.Error(), "put an empty file with .skip after its name in its place to continue without its events"):
		fsys.Put(file+".skip", nil)
	case strings.HasSuffix(err.Error(), " and was left untouched; append .skip to its name to continue without its events"):
		fsys.Delete(file)
		fsys.Put(file+".skip", content)
	default:
		t.Fatalf("the error is %v", err)
	}
	reopen(t, fsys, wayOut...)
}

func numbered(n int) (records []string) {
	for i := range n {
		records = append(records, fmt.Sprint("record ", i))
	}
	return records
}

// ends are where the frames of a file end.
func ends(content []byte) (ends []int) {
	for at := 0; at < len(content); {
		at += durable.HeadLength + int(binary.BigEndian.Uint32(content[at:]))
		ends = append(ends, at)
	}
	return ends
}

// TestABitThatFlipsBeforeIntactRecordsIsDamage flips each bit of the newest file. Only in
// the last record that cannot be told from a write that was not finished.
func TestABitThatFlipsBeforeIntactRecordsIsDamage(t *testing.T) {
	records := numbered(10)
	fsys, content := written(t, []string{"first"}, records)
	last := ends(content)[9]
	for at := range content {
		for bit := range 8 {
			flipped := bytes.Clone(content)
			flipped[at] ^= 1 << bit
			f := fsys.Clone()
			f.Put(name(2), flipped)
			if at < last {
				refused(t, f, name(2), "first")
				continue
			}
			repairs := reopen(t, f, append([]string{"first"}, records[:9]...)...)
			if len(repairs) != 1 || repairs[0].Offset != int64(last) || repairs[0].Bytes != int64(len(content)-last) {
				t.Fatalf("a flip at byte %d was repaired by %v", at, repairs)
			}
		}
	}
}

// TestAnUnfinishedEndIsLeftOut has what a file system may make of the end of a file that was
// being written when the power failed. Each is repaired once, and never mistaken for
// damage.
func TestAnUnfinishedEndIsLeftOut(t *testing.T) {
	records := numbered(10)
	fsys, content := written(t, records)
	frames := ends(content)
	torn := content[frames[9] : frames[10]-3]
	garbage := make([]byte, 5000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range garbage {
		garbage[i] = byte(random.IntN(256))
	}
	for what, end := range map[string][]byte{
		"a zero":                     make([]byte, 1),
		"eight zeros":                make([]byte, 8),
		"a page of zeros":            make([]byte, 4096),
		"a block that was set aside": make([]byte, 1<<20),
		"a torn record":              torn,
		"zeros after a torn one":     slices.Concat(torn, make([]byte, 4096)),
		"zeros within a record":      slices.Concat(torn[:12], make([]byte, 50)),
		"a record of zeros":          slices.Concat(torn[:durable.HeadLength], make([]byte, len(torn)-durable.HeadLength+3)),
		"garbage":                    garbage,
		"garbage after a torn one":   slices.Concat(torn, garbage),
		"a length beyond all":        {0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6},
	} {
		t.Run(what, func(t *testing.T) {
			f := fsys.Clone()
			f.Put(name(1), slices.Concat(content[:frames[9]], end))
			repairs := reopen(t, f, records[:9]...)
			if len(repairs) != 1 || repairs[0].Path != name(1) || repairs[0].Offset != int64(frames[9]) || repairs[0].Bytes != int64(len(end)) {
				t.Errorf("the repairs are %v", repairs)
			}
		})
	}
}

// TestAFileCutAnywhereKeepsWhatIsWhole cuts the newest file at every byte, as a kill in the
// middle of a write does, and then an older one, of which all was acknowledged.
func TestAFileCutAnywhereKeepsWhatIsWhole(t *testing.T) {
	records := []string{"first", "second", "third"}
	fsys, content := written(t, records)
	frames := ends(content)
	for cut := range len(content) + 1 {
		whole := 0
		for _, end := range frames[1:] {
			if end <= cut {
				whole++
			}
		}
		f := fsys.Clone()
		f.Put(name(1), content[:cut])
		repairs := reopen(t, f, records[:whole]...)
		if clean := cut == 0 || slices.Contains(frames, cut); clean == (len(repairs) == 1) {
			t.Errorf("cut at byte %d, the repairs are %v", cut, repairs)
		}
	}
	fsys, _ = written(t, records, []string{"newer"})
	for cut := range len(content) {
		f := fsys.Clone()
		f.Put(name(1), content[:cut])
		if cut >= frames[2] { // the last write was written again, in the next file
			reopen(t, f, "first", "second", "third", "newer")
			continue
		}
		refused(t, f, name(1), "third", "newer")
	}
}

func TestADamagedOlderFileIsRefusedAndLeftAlone(t *testing.T) {
	fsys, _ := written(t, []string{"first", "second"}, []string{"third"})
	content := fsys.Content(name(1))
	for at := range content {
		f := fsys.Clone()
		damaged := bytes.Clone(content)
		damaged[at] ^= 0x10
		f.Put(name(1), damaged)
		if at >= ends(content)[1] { // that is in the next file too
			reopen(t, f, "first", "second", "third")
			continue
		}
		refused(t, f, name(1), "second", "third")
	}
}

func TestAFileThatIsMissingIsDamage(t *testing.T) {
	files := [][]string{{"a", "a2"}, {"b", "b2"}, {"c"}}
	for missing, wayOut := range map[int][]string{1: {"a2", "b", "b2", "c"}, 2: {"a", "a2", "b2", "c"}} {
		fsys, _ := written(t, files...)
		fsys.Delete(name(missing))
		refused(t, fsys, name(missing), wayOut...)
	}
	// What is saved says which file it needs.
	fsys, _ := written(t, files...)
	fsys.Delete(name(3))
	if _, _, _, err := tryOpen(fsys, dir, 3); !errors.As(err, new(*durable.DamagedError)) {
		t.Errorf("the error is %v", err)
	}
}

func TestTwoDamagedFilesAreSkipped(t *testing.T) {
	fsys, _ := written(t, []string{"a", "a2"}, []string{"b", "b2"}, []string{"c", "c2"}, []string{"d"})
	for _, number := range []int{2, 3} {
		content := fsys.Content(name(number))
		fsys.Delete(name(number))
		fsys.Put(name(number)+SkipSuffix, content)
	}
	reopen(t, fsys, "a", "a2", "c2", "d")
}

func TestARecordThatCannotBeReplayedIsDamage(t *testing.T) {
	fsys, _ := written(t, []string{"a", "b"})
	strange := errors.New("it is strange")
	_, err := Open(Options{FS: fsys, Dir: dir, Replay: func(record []byte) error {
		if string(record) == "b" {
			return strange
		}
		return nil
	}})
	if !errors.As(err, new(*durable.DamagedError)) || !errors.Is(err, strange) {
		t.Errorf("the error is %v", err)
	}
}

// TestTheEarlierFormatIsRead has files without a head and with a record in each frame, of
// which the newest is empty or torn.
func TestTheEarlierFormatIsRead(t *testing.T) {
	frames := func(records ...string) (b []byte) {
		for _, record := range records {
			b = durable.AppendFrame(b, []byte(record))
		}
		return b
	}
	for what, newest := range map[string][]byte{
		"empty": nil, "whole": frames("c"), "torn": frames("c", "d")[:len(frames("c"))+5],
	} {
		t.Run(what, func(t *testing.T) {
			fsys := durabletest.New(dir)
			fsys.Put(name(1), frames("a", "b"))
			fsys.Put(name(2), nil)
			fsys.Put(name(3), newest)
			want := []string{"a", "b"}
			if newest != nil {
				want = append(want, "c")
			}
			reopen(t, fsys, want...)
		})
	}
	fsys := durabletest.New(dir)
	fsys.Put(name(1), frames("a"))
	fsys.Put(name(3), frames("c"))
	refused(t, fsys, name(2), "a", "c")
}
