package wherebytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Truncated cuts the JSON in the middle. The length in the header is that of what
// is left, so nothing but the JSON is wrong.
func Truncated() Fault {
	return spoilBody(func(body []byte) []byte { return body[:len(body)/2] })
}

// Oversized pads the JSON, which stays valid, to n bytes at least.
func Oversized(n int) Fault {
	return spoilBody(func(body []byte) []byte {
		padding := bytes.Repeat([]byte{' '}, max(0, n-len(body)))
		return slices.Concat(body[:1], padding, body[1:])
	})
}

func spoilBody(change func([]byte) []byte) Fault {
	return Fault{kind: changesRows, spoil: func(_ *query, x *answer) { x.body = change(x.body) }}
}

// WrongTypes writes every number of a row as a string and every time as a number.
func WrongTypes() Fault {
	return editRows(func(row map[string]any) {
		for name, v := range row {
			switch v := v.(type) {
			case json.Number:
				row[name] = v.String()
			case string:
				if t, err := time.Parse(time.RFC3339, v); err == nil {
					row[name] = t.UnixMilli()
				}
			}
		}
	})
}

// MissingField leaves a field out of every row, or "cursor" or "results" out of
// the answer.
func MissingField(name string) Fault {
	return edit(func(_ *query, d *document) {
		delete(d.top, name)
		for _, row := range d.rows() {
			delete(row, name)
		}
	})
}

// ExtraFields adds fields of every JSON type to the answer and its rows.
func ExtraFields() Fault {
	add := func(o map[string]any) {
		o["xString"], o["xNumber"], o["xBool"], o["xNull"] = "new", 1.5, true, nil
		o["xArray"], o["xObject"] = []any{1, "a", nil}, map[string]any{"roomName": 7, "results": []any{}}
	}
	return edit(func(_ *query, d *document) {
		for _, row := range d.rows() {
			add(row)
		}
		if d.top != nil {
			add(d.top)
		}
	})
}

// DuplicateRows brings every row twice.
func DuplicateRows() Fault {
	return edit(func(_ *query, d *document) {
		var twice []any
		for _, row := range d.list() {
			twice = append(twice, row, row)
		}
		d.setList(twice)
	})
}

// OverlappingPages begins every page but the first with the last row of the one
// before, as if a row had been put in front of the listing between the two. With
// limit 1 it does nothing.
func OverlappingPages() Fault {
	return Fault{kind: changesRows, ask: func(q *query) { q.repeat = q.cursor.page > 1 }}
}

// SortIgnored brings rows in the default order whatever was asked for.
func SortIgnored() Fault {
	return Fault{kind: changesRows, ask: func(q *query) { q.field, q.desc = defaultSort(q.endpoint), false }}
}

// RepeatCursor answers with the cursor of the request, so that the page leads to
// itself; a first page leads to the second, last or not.
func RepeatCursor() Fault {
	return edit(func(q *query, d *document) {
		cursor := q.values.Get("cursor")
		if cursor == "" {
			cursor = q.further(q.limit)
		}
		d.setCursor(cursor)
	})
}

// EndlessPages brings the rows of the first page again and again, each time with
// another cursor.
func EndlessPages() Fault {
	f := edit(func(q *query, d *document) { d.setCursor(q.further(0)) })
	f.ask = func(q *query) { q.cursor = cursor{page: q.cursor.page} }
	return f
}

// EmptyPagesForever brings no rows and, each time, another cursor.
func EmptyPagesForever() Fault {
	return edit(func(q *query, d *document) {
		d.setCursor(q.further(0))
		d.setList([]any{})
	})
}

// further makes a cursor for the page after this one, wherever that begins.
func (q *query) further(offset int) string {
	return cursor{page: q.cursor.page + 1, offset: offset}.text(q.fingerprint())
}

// document is a decoded answer: an object with rows in it, or for a single
// participant an array of them.
type document struct {
	top   map[string]any
	array []any
}

func (d *document) list() []any {
	if d.top == nil {
		return d.array
	}
	list, _ := d.top["results"].([]any)
	return list
}

func (d *document) setList(rows []any) {
	if d.top == nil {
		d.array = rows
		return
	}
	d.top["results"] = rows
}

// rows returns each row once, even where the list has it twice.
func (d *document) rows() []map[string]any {
	var rows []map[string]any
	for _, row := range d.list() {
		if row, ok := row.(map[string]any); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

func (d *document) setCursor(text string) {
	if d.top != nil {
		d.top["cursor"] = text
	}
}

func editRows(change func(row map[string]any)) Fault {
	return edit(func(_ *query, d *document) {
		for _, row := range d.rows() {
			change(row)
		}
	})
}

// edit makes a fault that changes the decoded answer. It does nothing to an
// answer that an earlier fault has left undecodable.
func edit(change func(q *query, d *document)) Fault {
	return Fault{kind: changesRows, spoil: func(q *query, x *answer) {
		var d document
		var whole any = &d.top
		if q.endpoint == EndpointParticipant {
			whole = &d.array
		}
		decoder := json.NewDecoder(bytes.NewReader(x.body))
		decoder.UseNumber()
		if decoder.Decode(whole) != nil {
			return
		}
		change(q, &d)
		body, err := json.Marshal(whole)
		if err != nil {
			panic(fmt.Sprintf("wherebytest: encode a changed answer: %v", err))
		}
		x.body = body
	}}
}
