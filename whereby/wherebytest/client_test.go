package wherebytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"whereby_exporter/whereby/wherebytest"
)

// answer is an answer read whole.
type answer struct {
	*http.Response
	body []byte
}

// call sends one request within the process. The endpoint may have a query.
func call(t testing.TB, a *wherebytest.Account, endpoint string, query ...string) answer {
	t.Helper()
	got, err := try(t.Context(), a, endpoint, query...)
	if err != nil {
		t.Fatalf("call %s: %v", endpoint, err)
	}
	return got
}

// try is call for requests that may fail. The query is names and values in turn.
func try(ctx context.Context, a *wherebytest.Account, endpoint string, query ...string) (answer, error) {
	values := make(url.Values)
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	address := "http://whereby.example.com/v1/insights/" + endpoint + "?" + values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer test-key")
	resp, err := a.RoundTripper().RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, body}, err
}

// listing is the page that an answer holds.
type listing struct {
	Cursor  *string          `json:"cursor"`
	Results []map[string]any `json:"results"`
}

func (a answer) listing(t testing.TB) listing {
	t.Helper()
	var l listing
	if a.StatusCode != http.StatusOK {
		t.Fatalf("status %d, body %.200s", a.StatusCode, a.body)
	}
	if err := json.Unmarshal(a.body, &l); err != nil {
		t.Fatalf("decode %.200s: %v", a.body, err)
	}
	return l
}

// column lists a field of each row as text.
func (l listing) column(field string) []string {
	texts := make([]string, 0, len(l.Results))
	for _, row := range l.Results {
		texts = append(texts, fmt.Sprint(row[field]))
	}
	return texts
}

// readAll follows the cursors to the end and gives all rows. It stops after a
// thousand pages.
func readAll(t testing.TB, a *wherebytest.Account, endpoint string, query ...string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	next := query
	for range 1000 {
		l := call(t, a, endpoint, next...).listing(t)
		rows = append(rows, l.Results...)
		if l.Cursor == nil {
			return rows
		}
		next = append(query[:len(query):len(query)], "cursor", *l.Cursor)
	}
	t.Fatalf("%s: no end after 1000 pages", endpoint)
	return nil
}

// errorOf returns the message of an error's body.
func errorOf(t testing.TB, body []byte) string {
	t.Helper()
	var e struct {
		Error string `json:"error"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&e); err != nil || e.Error == "" {
		t.Fatalf("body %.200s is no error: %v", body, err)
	}
	return e.Error
}

// prefixOf returns the part of a name before its UUID.
func prefixOf(name string) string {
	name = strings.TrimPrefix(name, "/")
	if len(name) <= 36 {
		return "_none"
	}
	return name[:len(name)-36]
}

// acme makes the name of the n-th room of a customer.
func acme(n int) string { return fmt.Sprintf("/acme-%08d-1111-4111-8111-111111111111", n) }
