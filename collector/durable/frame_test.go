package durable

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// frames returns the frames of payloads.
func frames(payloads ...string) []byte {
	var b []byte
	for _, payload := range payloads {
		b = AppendFrame(b, []byte(payload))
	}
	return b
}

// read returns the payloads of a file, and what ended it.
func read(content []byte) (payloads []string, offset int64, err error) {
	r := NewReader("a/file", bytes.NewReader(content))
	for {
		payload, err := r.Next()
		if err != nil {
			return payloads, r.Offset(), err
		}
		payloads = append(payloads, string(payload))
	}
}

func TestTheFormatStaysAsItIs(t *testing.T) {
	const want = "\x00\x00\x00\x09\xe3\x06\x92\x83123456789" // E3069283 is CRC-32C's check value
	if got := string(AppendFrame(nil, []byte("123456789"))); got != want {
		t.Errorf("the frame is %q, want %q", got, want)
	}
	if got := Checksum([]byte("1234"), nil, []byte("56789")); got != 0xe3069283 {
		t.Errorf("the checksum of the parts is %x", got)
	}
}

func TestReader(t *testing.T) {
	longest := strings.Repeat("x", MaxPayload)
	head := func(length uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, length), Checksum(nil))
	}
	flipped := func(at int) []byte {
		b := frames("one", "two")
		b[at] ^= 0x04
		return b
	}
	second := HeadLength + len("one")
	for name, test := range map[string]struct {
		content []byte
		want    []string
		err     error
	}{
		"empty":                        {nil, nil, io.EOF},
		"whole":                        {frames("one", "two"), []string{"one", "two"}, io.EOF},
		"longest":                      {frames("one", longest, "two"), []string{"one", longest, "two"}, io.EOF},
		"torn in a head":               {frames("one", "two")[:second+5], []string{"one"}, ErrTorn},
		"torn after a head":            {frames("one", "two")[:second+HeadLength], []string{"one"}, ErrTorn},
		"torn in a payload":            {frames("one", "two")[:second+HeadLength+2], []string{"one"}, ErrTorn},
		"torn at the first byte":       {frames("one")[:1], nil, ErrTorn},
		"flipped in the length":        {flipped(second + 3), []string{"one"}, ErrTorn},
		"flipped high in the length":   {flipped(second), []string{"one"}, errLength},
		"flipped in the checksum":      {flipped(second + 4), []string{"one"}, errChecksum},
		"flipped in the payload":       {flipped(second + HeadLength), []string{"one"}, errChecksum},
		"flipped in the first":         {flipped(HeadLength), nil, errChecksum},
		"zeros after it":               {append(frames("one"), make([]byte, 4096)...), []string{"one"}, errLength},
		"only zeros":                   {make([]byte, HeadLength), nil, errLength},
		"zeroed payload":               {append(frames("one"), slices.Concat(frames("two")[:HeadLength], make([]byte, 3))...), []string{"one"}, errChecksum},
		"one longer than allowed":      {append(frames("one"), frames(longest+"x")...), []string{"one"}, errLength},
		"a length beyond all":          {append(frames("one"), head(1<<32-1)...), []string{"one"}, errLength},
		"a length beyond the file":     {append(frames("one"), head(MaxPayload)...), []string{"one"}, ErrTorn},
		"an empty frame":               {append(frames("one"), head(0)...), []string{"one"}, errLength},
		"something other than a frame": {[]byte("this is no journal"), nil, errLength},
	} {
		t.Run(name, func(t *testing.T) {
			got, offset, err := read(test.content)
			if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
				t.Errorf("read %.40q and %v, want %.40q and %v", got, err, test.want, test.err)
			}
			if want := int64(len(frames(test.want...))); offset != want {
				t.Errorf("the offset is %d, want %d", offset, want)
			}
			var damaged *DamagedError
			if is := errors.As(err, &damaged); is == errors.Is(test.err, io.EOF) {
				t.Errorf("damage is %v for %v", is, err)
			} else if is && (damaged.Path != "a/file" || damaged.Offset != offset) {
				t.Errorf("the damage is in %s at %d, want %d", damaged.Path, damaged.Offset, offset)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsNotDamaged(t *testing.T) {
	failure := errors.New("the disk is gone")
	content := frames("one", "two")
	for n := range len(content) + 1 {
		r := NewReader("a/file", io.MultiReader(bytes.NewReader(content[:n]), iotest.ErrReader(failure)))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		var damaged *DamagedError
		if !errors.Is(err, failure) || errors.As(err, &damaged) || !strings.Contains(err.Error(), "a/file") {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

func TestTheTextOfDamage(t *testing.T) {
	wrong := errors.New("it is wrong")
	for want, err := range map[string]error{
		"a/file is damaged":                          Damaged("a/file", nil),
		"a/file is damaged (it is wrong)":            Damaged("a/file", wrong),
		"a/file is damaged at byte 0":                &DamagedError{Path: "a/file"},
		"a/file is damaged at byte 12 (it is wrong)": &DamagedError{Path: "a/file", Offset: 12, Err: wrong},
	} {
		if err.Error() != want {
			t.Errorf("it says %q, want %q", err, want)
		}
	}
	if err := Damaged("a/file", wrong); !errors.Is(err, wrong) {
		t.Error("what is wrong is not wrapped")
	}
}

// FuzzReader reads anything. Whatever is read as whole is what was written: frames of the
// same payloads are the same bytes.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add(frames("one", "two"))
	f.Add(frames("one", "two")[:14])
	f.Add(append(frames("one"), make([]byte, 20)...))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		payloads, offset, err := read(content)
		if offset > int64(len(content)) || !bytes.Equal(frames(payloads...), content[:offset]) {
			t.Errorf("%q was read from the first %d bytes", payloads, offset)
		}
		if whole := offset == int64(len(content)); whole != errors.Is(err, io.EOF) {
			t.Errorf("%d of %d bytes were read, and then came %v", offset, len(content), err)
		}
	})
}
