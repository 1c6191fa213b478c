package whereby

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"strconv"
)

const (
	// MaxPageSize is the maximum number of rows that Whereby returns in a page. It is also the
	// default here, because a page costs the same whatever its size.
	MaxPageSize = 100
	// maxPages ends a listing that never ends by itself. It is ten million rows,
	// ten times the largest account in mind.
	maxPages = 100_000
	// maxEmptyPages ends a listing that continues without rows.
	maxEmptyPages = 10
)

// Page is one page of a list.
type Page[T any] struct {
	// Number is the page's number, counting from 1.
	Number int
	Rows   []T
	// Last is true if no page follows.
	Last bool
	// Cursor leads to the next page; "" if there is none.
	Cursor string
	// Unusable are the rows that could not be read. If nothing in a page can be read, that is
	// an error instead.
	Unusable []UnusableRow
}

// UnusableRow is a row that could not be read, in a page that is fine otherwise.
type UnusableRow struct {
	// RoomName is the room's name, with its slash, or "" if the row does not say.
	RoomName string
	// Err says what is wrong with the row, without revealing its content.
	Err error
}

// Rows flattens pages into rows. After an error, it yields nothing more. A row that could not
// be read is an error: a caller that can do without it should iterate over the pages.
func Rows[T any](pages iter.Seq2[Page[T], error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
			if err == nil && len(page.Unusable) > 0 {
				err = page.Unusable[0].Err
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// row is implemented by the wire form of a row.
type row[T any] interface {
	// row checks the wire form and converts it.
	row() (T, error)
	// empty reports whether the row has no figures that could be wrong.
	empty() bool
}

// manyUnusable is the number of unusable rows from which a page is malformed if no other
// row of it can be read: then the rows are not odd, the API has changed. Of a whole listing
// one is enough, since nothing else shows that rows can be read.
const manyUnusable = 10

// list reads a listing page by page. It yields an error at most once, and
// nothing after it.
func list[W row[T], T any](ctx context.Context, c *Client, endpoint string, query url.Values, pageSize int) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		if pageSize <= 0 || pageSize > MaxPageSize {
			pageSize = MaxPageSize
		}
		query := maps.Clone(query) // each use of the iterator starts from the first page
		query.Set("limit", strconv.Itoa(pageSize))
		cursor := query.Get("cursor")
		seen := map[string]bool{cursor: true}
		empty, readable := 0, false
		var unusable error // of the first row that could not be read
		for number := 1; ; number++ {
			var (
				page    Page[T]
				next    string
				figures bool
			)
			err := c.get(ctx, endpoint, query, func(body []byte) (err error) {
				page, next, figures, err = decodePage[W, T](body)
				if err != nil {
					return err
				}
				first := unusable
				if first == nil && len(page.Unusable) > 0 {
					first = page.Unusable[0].Err
				}
				if next == "" && cursor == "" && !readable && !figures && first != nil {
					return &MalformedError{rows: true, Err: first}
				}
				return nil
			})
			readable = readable || figures
			if err == nil {
				for i, odd := range page.Unusable {
					if unusable == nil {
						unusable = odd.Err
					}
					page.Unusable[i].Err = &Error{Endpoint: endpoint, Page: number, Err: &MalformedError{final: true, rows: true, Err: odd.Err}}
				}
				c.tellUnusable(endpoint, len(page.Unusable))
				if len(page.Rows)+len(page.Unusable) > 0 {
					empty = 0
				} else {
					empty++
				}
				switch {
				case next != "" && seen[next]:
					err = &MalformedError{final: true, endless: true, Err: errors.New("the cursor repeats, so the listing would never end")}
				case next != "" && empty >= maxEmptyPages:
					err = &MalformedError{final: true, endless: true, Err: fmt.Errorf("%d empty pages in a row, and a cursor for more", empty)}
				case next != "" && number >= maxPages:
					err = &MalformedError{final: true, endless: true, Err: fmt.Errorf("no end after %d pages", number)}
				}
			}
			if err != nil {
				yield(Page[T]{Number: number}, &Error{Endpoint: endpoint, Page: number, Err: err})
				return
			}
			page.Number, page.Last, page.Cursor = number, next == "", next
			if !yield(page, nil) || page.Last {
				return
			}
			seen[next] = true
			query.Set("cursor", next)
		}
	}
}

// decodePage reads {"cursor": …, "results": […]}. A row that cannot be read is set aside
// if others can be read, or if it is one of a few. readable reports whether a row with figures
// could be read.
func decodePage[W row[T], T any](body []byte) (page Page[T], cursor string, readable bool, err error) {
	var answer struct {
		Cursor  *string         `json:"cursor"`
		Results *[]result[W, T] `json:"results"`
	}
	if err := decodeJSON(body, &answer); err != nil {
		return page, "", false, err
	}
	if answer.Results == nil {
		return page, "", false, errors.New(`the answer has no "results"`)
	}
	page.Rows = make([]T, 0, len(*answer.Results))
	for i, result := range *answer.Results {
		if result.err != nil {
			page.Unusable = append(page.Unusable, UnusableRow{RoomName: result.roomName, Err: fmt.Errorf("results[%d]: %w", i, result.err)})
			continue
		}
		readable = readable || !result.empty
		page.Rows = append(page.Rows, result.row)
	}
	if len(page.Unusable) >= manyUnusable && !readable {
		return Page[T]{}, "", false, &MalformedError{rows: true, Err: page.Unusable[0].Err}
	}
	if answer.Cursor != nil {
		cursor = *answer.Cursor
	}
	return page, cursor, readable, nil
}

// result is an element of results.
type result[W row[T], T any] struct {
	row   T
	empty bool
	// err is why there is no row, roomName whose it would have been.
	err      error
	roomName string
}

// UnmarshalJSON never fails, so that an odd row costs no other.
func (r *result[W, T]) UnmarshalJSON(data []byte) error {
	*r = result[W, T]{}
	var wire W
	if r.err = decodeJSON(data, &wire); r.err == nil {
		r.empty = wire.empty()
		r.row, r.err = wire.row()
	}
	if r.err != nil {
		r.roomName = roomNameIn(data)
	}
	return nil
}

// roomNameIn returns the name of the room that a row is of, or "".
func roomNameIn(data []byte) string {
	var row struct {
		RoomName looseText `json:"roomName"`
	}
	if data[0] != '{' || json.Unmarshal(data, &row) != nil || len(row.RoomName) > maxRoomName {
		return ""
	}
	return slashed(string(row.RoomName))
}

// decodeJSON is json.Unmarshal with errors that say where and never what: an
// answer may hold names of people.
func decodeJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return jsonError(body, err)
	}
	return nil
}

// jsonError is an error of [json.Unmarshal] in one line, without the body's texts.
func jsonError(body []byte, err error) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("the answer is empty")
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(body)):
		return fmt.Errorf("truncated JSON at byte %d", len(body))
	case errors.As(err, &syntax):
		return fmt.Errorf("invalid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%s is of a wrong type or out of range at byte %d", orAnswer(kind.Field), kind.Offset)
	}
	var field *fieldError
	if errors.As(err, &field) {
		return field
	}
	return errors.New("invalid JSON")
}

func orAnswer(field string) string {
	if field == "" {
		return "the answer"
	}
	return field
}
