package exposition

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"
)

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

func TestPiecesOfAnySize(t *testing.T) {
	oneAtATime(t)
	random := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, 100, smallest - 1, smallest, 70_000, 150_000}
	for _, c := range []coding{identity, gzipped} {
		var compressor compressor
		for range 50 {
			var whole []byte
			var pieces []piece
			for range random.IntN(6) {
				text := make([]byte, sizes[random.IntN(len(sizes))])
				for i := range text {
					text[i] = "0123456789abcdef"[random.IntN(16)]
				}
				p, err := compressor.piece(c, text)
				if err != nil {
					t.Fatal(err)
				}
				whole = append(whole, text...)
				pieces = append(pieces, p)
				clear(text) // a piece keeps nothing of it
			}
			joined := join(c, pieces)
			raw := bytes.Join(joined.pieces, nil)
			if len(raw) != joined.length {
				t.Fatalf("%s: %d bytes, said to be %d", c, len(raw), joined.length)
			}
			if c == gzipped {
				raw = gunzipOne(t, raw)
			}
			if !bytes.Equal(raw, whole) {
				t.Fatalf("%s: %d bytes became %d others", c, len(whole), len(raw))
			}
		}
	}
}

// gunzipOne reads one member and wants nothing after it.
func gunzipOne(t *testing.T, raw []byte) []byte {
	t.Helper()
	rest := bufio.NewReader(bytes.NewReader(raw))
	member, err := gzip.NewReader(rest)
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
