package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/ledger"
)

// filled makes a store of some 1,000 rooms and returns its file.
func filled(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	s, err := OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	var rows []ledger.Row
	for i := range 1000 {
		rows = append(rows, row(fmt.Sprintf("/acme-%04d", i), uint32(i), int64(i)))
	}
	if err := s.Commit(ledger.Change{Rows: rows, State: &ledger.State{Complete: true}, Prefixes: []string{"zeta-"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, FileName)
}

// refuses opens the store, which must give an error that names the file and a
// way out, and must leave the file as it is.
func refuses(t *testing.T, dir string) error {
	t.Helper()
	path := filepath.Join(dir, FileName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenBolt(dir)
	if err == nil {
		_ = s.Close()
		t.Fatal("the store was opened")
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("%q does not name the file", err)
	}
	after, readErr := os.ReadFile(path)
	if readErr != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", readErr)
	}
	return err
}

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	var damaged *durable.DamagedError
	if !errors.As(err, &damaged) {
		t.Errorf("the error is %q, want a durable.DamagedError", err)
	}
	if !strings.Contains(err.Error(), "backup") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is not one line with a way out", err)
	}
}

func TestADamagedFileIsRefusedAndLeftAlone(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"emptied":                  func([]byte) []byte { return nil },
		"text":                     func([]byte) []byte { return []byte("not a database") },
		"zeroes":                   func(b []byte) []byte { return make([]byte, len(b)) },
		"cut to a page":            func(b []byte) []byte { return b[:4096] },
		"cut in the middle":        func(b []byte) []byte { return b[:len(b)/2] },
		"a figure changed":         func(b []byte) []byte { return flip(b, "/acme-0500", len("/acme-0500")+6) },
		"a name changed":           func(b []byte) []byte { return flip(b, "/acme-0777", 8) },
		"a prefix changed":         func(b []byte) []byte { return flip(b, "zeta-", 1) },
		"the state changed":        func(b []byte) []byte { return flip(b, `"complete":true`, 12) },
		"the way to a page lost":   withoutWay,
		"a room shown for another": func(b []byte) []byte { return shownTwice(b, "/acme-0500") },
		"the middle overwritten": func(b []byte) []byte {
			b = bytes.Clone(b)
			// Every page, wherever the rows are, but not the two of the file's head.
			for at := 2 * 4096; at < len(b); at += 4096 {
				copy(b[at+8:], bytes.Repeat([]byte{0xff}, 64))
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := filled(t)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := damage(content)
			if bytes.Equal(damaged, content) {
				t.Fatal("the file was not damaged")
			}
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			wantDamaged(t, refuses(t, dir))
		})
	}
}

// flip changes a byte behind each occurrence of a text.
func flip(b []byte, text string, offset int) []byte {
	b = bytes.Clone(b)
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(text))
		if i < 0 {
			return b
		}
		at += i
		if at+offset < len(b) {
			b[at+offset] ^= 0x01
		}
		at += len(text)
	}
}

// withoutWay makes each page that leads to others hold the key of its first far outside
// of the file. Who reads on from entry to entry does not see that.
func withoutWay(b []byte) []byte {
	const header, branch = 16, 1 // of bbolt's pages
	b = bytes.Clone(b)
	for page := 0; page+4096 <= len(b); page += 4096 {
		if binary.LittleEndian.Uint16(b[page+8:]) == branch {
			binary.LittleEndian.PutUint32(b[page+header:], 0xf0000000)
		}
	}
	return b
}

// shownTwice makes the entry before a room's, wherever the two share a page, point
// at the room's own: each entry is whole then, and their number is right.
func shownTwice(b []byte, name string) []byte {
	const header, element, leaf = 16, 16, 2 // of bbolt's pages
	b = bytes.Clone(b)
	for page := 0; page+4096 <= len(b); page += 4096 {
		if binary.LittleEndian.Uint16(b[page+8:]) != leaf {
			continue
		}
		for i := 1; i < int(binary.LittleEndian.Uint16(b[page+10:])); i++ {
			own := page + header + i*element
			key := own + int(binary.LittleEndian.Uint32(b[own+4:]))
			if bytes.HasPrefix(b[key:], []byte(name)) {
				copy(b[own-element:own], b[own:own+element])
				binary.LittleEndian.PutUint32(b[own-element+4:], uint32(key-own+element))
			}
		}
	}
	return b
}

// TestRandomDamageNeverGivesOtherFigures overwrites random bytes of the file. The
// store may then be refused, or the damage may have hit unused bytes; but it must
// never open with other figures, and never crash.
//
// One of the file's two heads that is damaged looks like one that was being written when
// the machine died, and what was committed before counts. So nothing of the figures is in
// the last commit here.
func TestRandomDamageNeverGivesOtherFigures(t *testing.T) {
	dir, path := filled(t)
	s, err := OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Commit(ledger.Change{State: &ledger.State{Complete: true}}), s.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	refused := 0
	for range 300 {
		damaged := bytes.Clone(content)
		at := random.IntN(len(damaged))
		for i := range 1 + random.IntN(8) {
			damaged[min(at+i, len(damaged)-1)] ^= byte(1 + random.IntN(255))
		}
		// A new file each time: bbolt may keep one locked that it could not open.
		if err := errors.Join(os.Remove(path), os.WriteFile(path, damaged, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := OpenBolt(dir)
		if err != nil {
			refused++
			continue
		}
		rows := rowsFrom(t, s, "")
		if len(rows) != 1000 {
			t.Fatalf("damage at byte %d went unnoticed: %d rows", at, len(rows))
		}
		for i, got := range rows {
			if want := row(fmt.Sprintf("/acme-%04d", i), uint32(i), int64(i)); !reflect.DeepEqual(got, want) {
				t.Fatalf("damage at byte %d went unnoticed: %+v, want %+v", at, got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("none of 300 damaged files was refused")
	}
}

func TestAFileOfANewerVersionIsRefused(t *testing.T) {
	dir, path := filled(t)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint64(nil, formatVersion+1))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := refuses(t, dir); !strings.Contains(err.Error(), "newer version") {
		t.Errorf("%q does not say what to do", err)
	}
}

func TestAFileInUseIsRefused(t *testing.T) {
	dir, _ := filled(t)
	s, err := OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := refuses(t, dir); !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("%q does not say why", err)
	}
}

func TestAnotherProgramsFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	wantDamaged(t, refuses(t, dir))
}

func TestAStoreLeftHalfMadeIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName+".new"), []byte("killed here"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBolt(filepath.Join(file, "data")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("the error is %v", err)
	}
}
