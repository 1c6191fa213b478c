package wherebytest

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
)

// madeUp is where the sequence numbers of sessions begin that a room's first
// totals tell of.
const madeUp = 1 << 31

// sessionID returns the ID of a session. Those that were not given are made from
// the room's and the session's numbers, so that none has to be stored to be
// found again.
func (a *Account) sessionID(r *room, s *session) string {
	if s.detail != nil && s.detail.id != "" {
		return s.detail.id
	}
	return uuid(mix(uint64(r.no)<<32|uint64(s.seq)^a.salt), a.salt)
}

// session finds a session that Insights shows the participants of by its ID.
func (a *Account) session(id string, now int64) (located, bool) {
	if found, ok := a.named[id]; ok {
		return found, found.room.shown && found.session.start <= a.met(found, now)
	}
	x, ok := parseUUID(id)
	if !ok {
		return located{}, false
	}
	x = unmix(x) ^ a.salt
	if no := x >> 32; no < uint64(len(a.rooms)) && a.rooms[no].shown {
		r := a.rooms[no]
		for _, s := range a.sessionsAt(r, a.horizonOf(EndpointParticipants, r, now)) {
			if s.seq == uint32(x) && a.sessionID(r, s) == id {
				return located{r, s}, true
			}
		}
	}
	return located{}, false
}

// uuid writes x as a random-looking UUID, with whatever else it needs from a
// second number.
func uuid(x, y uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[8:], mix(x^y+1))
	binary.BigEndian.PutUint16(b[6:], uint16(mix(x+y)))
	binary.BigEndian.PutUint16(b[14:], uint16(x))
	binary.BigEndian.PutUint32(b[0:], uint32(x>>32))
	binary.BigEndian.PutUint16(b[4:], uint16(x>>16))
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// parseUUID reads x back.
func parseUUID(s string) (x uint64, ok bool) {
	if len(s) != 36 {
		return 0, false
	}
	var b [8]byte
	for _, part := range []struct {
		to   []byte
		from string
	}{{b[0:4], s[0:8]}, {b[4:6], s[9:13]}, {b[6:8], s[32:36]}} {
		if _, err := hex.Decode(part.to, []byte(part.from)); err != nil {
			return 0, false
		}
	}
	return binary.BigEndian.Uint64(b[:]), true
}

// mix returns the finalizer of SplitMix64: a good hash of 64 bits that can be undone.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func unmix(x uint64) uint64 {
	x = (x ^ x>>31 ^ x>>62) * 0x319642b2d24d8ec3
	x = (x ^ x>>27 ^ x>>54) * 0x96de1b173f119089
	return x ^ x>>30 ^ x>>60
}

// hash returns a number for a text.
func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return mix(h.Sum64())
}
