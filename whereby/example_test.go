package whereby_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

func ExampleClient_Rooms() {
	// A simulated account stands in for Whereby.
	account := wherebytest.New(wherebytest.Config{APIKey: "example-key"})
	created := time.Date(2025, time.January, 5, 9, 0, 0, 0, time.UTC)
	for _, room := range []string{
		"/acme-793e9ec1-c686-423d-9043-9b7a10c553fd",
		"/globex-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed",
	} {
		account.AddRoom(wherebytest.Room{Name: room, CreatedAt: created})
		account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 90}, created)
	}

	client := &whereby.Client{
		APIKey:     whereby.StaticKey("example-key"),
		HTTPClient: &http.Client{Transport: account.RoundTripper()},
	}
	query := whereby.RoomsQuery{NameStartsWith: "/acme-"}
	for page, err := range client.Rooms(context.Background(), query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, room := range page.Rows {
			fmt.Println(room.Name, room.Sessions, room.ParticipantMinutes)
		}
	}
	// Output:
	// /acme-793e9ec1-c686-423d-9043-9b7a10c553fd 1 90
}

func ExampleVerifier() {
	verifier, err := whereby.NewVerifier(5*time.Minute, "old-secret", "new-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"id":"1","type":"room.client.joined"}`)
	sent := time.Date(2025, time.January, 5, 9, 0, 0, 0, time.UTC)
	header := whereby.Sign("new-secret", body, sent) // as Whereby does

	fmt.Println("as it was sent:", verifier.Verify(header, body, sent.Add(time.Second)))
	fmt.Println("another body:", verifier.Verify(header, []byte(`{}`), sent.Add(time.Second)))
	fmt.Println("an hour later:", verifier.Verify(header, body, sent.Add(time.Hour)))

	if err := verifier.Rotate("newest-secret"); err != nil {
		fmt.Println(err)
	}
	fmt.Println("after a rotation:", verifier.Verify(header, body, sent.Add(time.Second)))
	// Output:
	// as it was sent: <nil>
	// another body: the signature does not match
	// an hour later: the signature is too old or in the future
	// after a rotation: the signature does not match
}
