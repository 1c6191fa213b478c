package exposition

import (
	"bufio"
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestGzipIsOneMember reads with the decoder of the standard library, which is not
// of the same family as the encoder.
func TestGzipIsOneMember(t *testing.T) {
	ours, _ := handlers(t, fixture())
	for name, accept := range accepts {
		response := scrape(ours, "/metrics", "Accept", accept, "Accept-Encoding", "gzip")
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := bodyOf(t, scrape(ours, "/metrics", "Accept", accept))
		if got := gunzipOne(t, raw); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		}
	}
}

func TestHalvesOfAnySize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var p packer
	for _, firstSize := range []int{0, 1, 100, smallestPiece, 70_000, 3 * largestPiece} {
		for _, secondSize := range []int{0, 1, 70_000} {
			whole := make([]byte, firstSize+secondSize)
			for i := range whole {
				whole[i] = "0123456789abcdef"[random.IntN(16)]
			}
			for _, c := range []coding{identity, gzipped, zstandard} {
				first, err := pack(c, func(w io.Writer) error {
					_, err := w.Write(whole[:firstSize])
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				pieces, err := p.finish(c, first, whole[firstSize:])
				if err != nil {
					t.Fatal(err)
				}
				if got := decoded(t, c, bytes.Join(pieces, nil)); !bytes.Equal(got, whole) {
					t.Errorf("%s: %d and %d bytes became %d others", c, firstSize, secondSize, len(got))
				}
			}
		}
	}
}

// TestScrapesShareOnlyTheHead wants a body to stay what it is when another is made
// of the same head.
func TestScrapesShareOnlyTheHead(t *testing.T) {
	var p packer
	shared := head{pieces: make([][]byte, 0, 8)}
	shared.pieces = append(shared.pieces, []byte("head "))
	one, err := p.finish(identity, shared, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.finish(identity, shared, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(one, nil)); got != "head one" {
		t.Errorf("%q, want %q", got, "head one")
	}
}

// TestNothingPublished has no first half at all.
func TestNothingPublished(t *testing.T) {
	var p packer
	for _, c := range []coding{identity, gzipped, zstandard} {
		pieces, err := p.finish(c, head{}, []byte("tail"))
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded(t, c, bytes.Join(pieces, nil)); string(got) != "tail" {
			t.Errorf("%s: %q", c, got)
		}
	}
}

func decoded(t *testing.T, c coding, raw []byte) []byte {
	t.Helper()
	switch c {
	case gzipped:
		return gunzipOne(t, raw)
	case zstandard:
		return unzstd(t, raw)
	}
	return raw
}

// gunzipOne reads one member and wants nothing after it.
func gunzipOne(t *testing.T, raw []byte) []byte {
	t.Helper()
	rest := bufio.NewReader(bytes.NewReader(raw))
	member, err := stdgzip.NewReader(rest)
	if err != nil {
		t.Fatal(err)
	}
	member.Multistream(false)
	body, err := io.ReadAll(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest.ReadByte(); err != io.EOF {
		t.Fatalf("something follows the member (%v)", err)
	}
	return body
}

func unzstd(t *testing.T, raw []byte) []byte {
	t.Helper()
	// Browsers refuse larger windows.
	frames, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	body, err := io.ReadAll(frames)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
