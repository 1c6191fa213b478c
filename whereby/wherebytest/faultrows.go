package wherebytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Truncated cuts the JSON in the middle. The Content-Length matches what is left, so only the
// JSON is wrong.
func Truncated() Fault {
	return spoilBody(func(body []byte) []byte { return body[:len(body)/2] })
}

// Oversized pads the JSON to at least n bytes. It stays valid.
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

// MissingField omits a field from every row, or "cursor" or "results" from the response.
func MissingField(name string) Fault {
	return edit(func(_ *query, d *document) {
		delete(d.top, name)
		for _, row := range d.rows() {
			delete(row, name)
		}
	})
}

// ExtraFields adds fields of every JSON type to the response and its rows.
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

// DuplicateRows returns every row twice.
func DuplicateRows() Fault {
	return edit(func(_ *query, d *document) {
		var twice []any
		for _, row := range d.list() {
			twice = append(twice, row, row)
		}
		d.setList(twice)
	})
}

// OverlappingPages begins every page except the first with the last row of the previous page,
// as if a row had been inserted before it between the two requests. With limit 1, it has no
// effect.
func OverlappingPages() Fault {
	return Fault{kind: changesRows, ask: func(q *query) { q.repeat = q.cursor.page > 1 }}
}

// SortIgnored returns rows in the default order, whatever was requested.
func SortIgnored() Fault {
	return Fault{kind: changesRows, ask: func(q *query) { q.field, q.desc = defaultSort(q.endpoint), false }}
}

// RepeatCursor responds with the cursor of the request, so that the page leads to itself. A
// first page leads to the second, even if it is the last.
func RepeatCursor() Fault {
	return edit(func(q *query, d *document) {
		cursor := q.values.Get("cursor")
		if cursor == "" {
			cursor = q.further(q.limit)
		}
		d.setCursor(cursor)
	})
}

// EndlessPages returns the rows of the first page repeatedly, each time with another cursor.
func EndlessPages() Fault {
	f := edit(func(q *query, d *document) { d.setCursor(q.further(0)) })
	f.ask = func(q *query) { q.cursor = cursor{page: q.cursor.page} }
	return f
}

// EmptyPagesForever returns no rows and, each time, another cursor.
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
