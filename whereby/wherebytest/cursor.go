package wherebytest

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/url"
	"sort"
)

// cursor is a place in a listing. All that it means is in its text, so that
// nothing has to be kept for readers who never come back.
type cursor struct {
	page   int // of the listing, from 1
	keyset bool
	offset int
	key    int64 // of the last row of the page before
	tie    string
}

// fingerprint tells listings apart: a cursor is good for its own only.
func (q *query) fingerprint() uint32 {
	rest := make(url.Values, len(q.values))
	for name, v := range q.values {
		if name != "cursor" && name != "limit" {
			rest[name] = v
		}
	}
	return crc32.ChecksumIEEE([]byte(q.endpoint + "?" + rest.Encode()))
}

// text writes a cursor: a checksum, the listing, the page and the place.
func (c cursor) text(fingerprint uint32) string {
	b := binary.BigEndian.AppendUint32(make([]byte, 4, 16), fingerprint)
	page := uint32(c.page) << 1
	if c.keyset {
		b = binary.BigEndian.AppendUint32(b, page|1)
		b = binary.BigEndian.AppendUint64(b, uint64(c.key))
		b = append(b, c.tie...)
	} else {
		b = binary.BigEndian.AppendUint32(b, page)
		b = binary.BigEndian.AppendUint32(b, uint32(c.offset))
	}
	binary.BigEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return hex.EncodeToString(b)
}

func parseCursor(text string, fingerprint uint32) (c cursor, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < 16 ||
		binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) ||
		binary.BigEndian.Uint32(b[4:]) != fingerprint {
		return cursor{}, false
	}
	page := binary.BigEndian.Uint32(b[8:])
	c = cursor{page: int(page >> 1), keyset: page&1 != 0}
	switch {
	case !c.keyset:
		c.offset = int(binary.BigEndian.Uint32(b[12:]))
	case len(b) < 20:
		return cursor{}, false
	default:
		c.key, c.tie = int64(binary.BigEndian.Uint64(b[12:])), string(b[20:])
	}
	return c, true
}

// listing is rows in ascending order of their keys.
type listing struct {
	n  int
	at func(i int) (key int64, tie string)
}

// page is a stretch of a listing: the rows from position from up to to, counted
// in the direction asked for, and where the next page begins.
type page struct {
	from, to int
	last     bool
	next     cursor
}

// page finds the page that a query asks for.
func (a *Account) page(q *query, l listing) page {
	from := q.cursor.offset
	if q.cursor.keyset {
		from = sort.Search(l.n, func(p int) bool {
			key, tie := l.at(q.row(p, l.n))
			after := key > q.cursor.key || key == q.cursor.key && tie > q.cursor.tie
			before := key < q.cursor.key || key == q.cursor.key && tie < q.cursor.tie
			if q.desc {
				return before
			}
			return after
		})
	}
	if q.repeat && q.limit > 1 {
		from = max(0, from-1)
	}
	from = min(from, l.n)
	rows := q.limit
	if most := a.cfg.Insights.PageRows; most > 0 {
		rows = min(rows, most)
	}
	p := page{from: from, to: min(from+rows, l.n)}
	p.last = p.to >= l.n
	p.next = cursor{page: q.cursor.page + 1, offset: p.to}
	if a.cfg.Cursors == KeysetCursors && p.to > p.from {
		p.next.keyset = true
		p.next.key, p.next.tie = l.at(q.row(p.to-1, l.n))
	}
	return p
}

// row returns the row at a position of a listing of n rows.
func (q *query) row(position, n int) int {
	if q.desc {
		return n - 1 - position
	}
	return position
}
