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
	// MaxPageSize is the most rows that Whereby gives in a page. A page costs one
	// point whatever its size, so it is also the default here.
	MaxPageSize = 100
	// maxPages ends a listing that never ends by itself. It is ten million rows,
	// ten times the largest account in mind.
	maxPages = 100_000
	// maxEmptyPages ends a listing that goes on without rows.
	maxEmptyPages = 10
)

// Page is one page of a listing.
type Page[T any] struct {
	// Number counts the pages of a listing from 1.
	Number int
	Rows   []T
	// Last is true where no page follows.
	Last bool
}

// Rows flattens pages into rows. After an error it yields nothing more.
func Rows[T any](pages iter.Seq2[Page[T], error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
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
}

// list reads a listing page by page. It yields an error at most once, and
// nothing after it.
func list[W row[T], T any](ctx context.Context, c *Client, endpoint string, query url.Values, pageSize int) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		if pageSize <= 0 || pageSize > MaxPageSize {
			pageSize = MaxPageSize
		}
		query := maps.Clone(query) // each use of the iterator starts from the first page
		query.Set("limit", strconv.Itoa(pageSize))
		seen := map[string]bool{}
		empty := 0
		for number := 1; ; number++ {
			var (
				page Page[T]
				next string
			)
			err := c.get(ctx, endpoint, query, func(body []byte) (err error) {
				page.Rows, next, err = decodePage[W, T](body)
				return err
			})
			if err == nil {
				if len(page.Rows) > 0 {
					empty = 0
				} else {
					empty++
				}
				switch {
				case next != "" && seen[next]:
					err = &MalformedError{final: true, Err: errors.New("the cursor repeats, so the listing would never end")}
				case next != "" && empty >= maxEmptyPages:
					err = &MalformedError{final: true, Err: fmt.Errorf("%d empty pages in a row, and a cursor for more", empty)}
				case next != "" && number >= maxPages:
					err = &MalformedError{final: true, Err: fmt.Errorf("no end after %d pages", number)}
				}
			}
			if err != nil {
				yield(Page[T]{Number: number}, &Error{Endpoint: endpoint, Page: number, Err: err})
				return
			}
			page.Number, page.Last = number, next == ""
			if !yield(page, nil) || page.Last {
				return
			}
			seen[next] = true
			query.Set("cursor", next)
		}
	}
}

// decodePage reads {"cursor": …, "results": […]}.
func decodePage[W row[T], T any](body []byte) (rows []T, cursor string, err error) {
	var page struct {
		Cursor  *string `json:"cursor"`
		Results *[]W    `json:"results"`
	}
	if err := decodeJSON(body, &page); err != nil {
		return nil, "", err
	}
	if page.Results == nil {
		return nil, "", errors.New(`the answer has no "results"`)
	}
	rows = make([]T, 0, len(*page.Results))
	for i, wire := range *page.Results {
		row, err := wire.row()
		if err != nil {
			return nil, "", fmt.Errorf("results[%d]: %w", i, err)
		}
		rows = append(rows, row)
	}
	if page.Cursor != nil {
		cursor = *page.Cursor
	}
	return rows, cursor, nil
}

// decodeJSON is json.Unmarshal with errors that say where and never what: an
// answer may hold names of people.
func decodeJSON(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
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
