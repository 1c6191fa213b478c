package whereby_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// TestAListingGoesOnFromACursor stops a listing at every page, and continues with the page's
// cursor.
func TestAListingGoesOnFromACursor(t *testing.T) {
	account := wherebytest.New(wherebytest.Config{})
	for i := range 25 {
		account.AddRoom(wherebytest.Room{Name: fmt.Sprintf("/acme-%02d", i)})
	}
	c := &whereby.Client{APIKey: whereby.StaticKey("test-key"), HTTPClient: &http.Client{Transport: account.RoundTripper()}}
	query := whereby.RoomsQuery{PageSize: 10}
	var names []string
	for i := range 3 {
		for page, err := range c.Rooms(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			if page.Number != 1 || page.Last != (i == 2) || page.Last != (page.Cursor == "") {
				t.Errorf("page %d is numbered %d, last %v, its cursor is %q", i+1, page.Number, page.Last, page.Cursor)
			}
			for _, room := range page.Rows {
				names = append(names, room.Name)
			}
			query.Cursor = page.Cursor
			break
		}
	}
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != 25 {
		t.Errorf("%d rooms were read", n)
	}
}
