package wherebytest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// The second page of rooms fails once; a reader must still arrive at the truth.
func ExampleAccount() {
	const key = "example-key"
	account := wherebytest.New(wherebytest.Config{APIKey: key})
	created := time.Date(2025, time.January, 5, 9, 0, 0, 0, time.UTC)
	for i := range 150 {
		room := fmt.Sprintf("/acme-793e9ec1-c686-423d-9043-%012x", i)
		account.AddRoom(wherebytest.Room{Name: room, CreatedAt: created})
		account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 10}, created)
	}
	account.Inject(wherebytest.Status(http.StatusBadGateway).On(wherebytest.EndpointRooms).Page(2).Times(1))

	client := &whereby.Client{
		APIKey:     whereby.StaticKey(key),
		HTTPClient: &http.Client{Transport: account.RoundTripper()},
		Retry:      whereby.RetryPolicy{BaseDelay: time.Millisecond},
	}
	var minutes int64
	for page, err := range client.Rooms(context.Background(), whereby.RoomsQuery{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, room := range page.Rows {
			minutes += room.ParticipantMinutes
		}
	}
	truth := account.Truth(func(roomName string) string {
		prefix, _ := whereby.RoomPrefix(roomName)
		return prefix
	})
	fmt.Println("read:", minutes)
	fmt.Println("truth:", truth["acme-"].ParticipantMinutes)
	fmt.Println("requests:", account.Count(wherebytest.EndpointRooms))
	// Output:
	// read: 1500
	// truth: 1500
	// requests: 3
}

// A receiver is told of a meeting of two people as Whereby would tell it.
func ExampleSender() {
	const secret = "example-secret"
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	begin := time.Date(2025, time.January, 5, 9, 0, 0, 0, time.UTC)
	account := wherebytest.New(wherebytest.Config{})
	account.AddRoom(wherebytest.Room{Name: room, CreatedAt: begin})
	account.Schedule(room, wherebytest.Session{
		Start: begin, End: begin.Add(30 * time.Minute),
		Participants: []wherebytest.Participant{
			{Role: "host", Joined: begin, Left: begin.Add(30 * time.Minute)},
			{Role: "visitor", Joined: begin.Add(time.Minute), Left: begin.Add(20 * time.Minute)},
		},
	})

	verifier, err := whereby.NewVerifier(time.Minute, secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(r.Header.Get(whereby.SignatureHeader), body, time.Now())
		}
		if err != nil {
			http.Error(w, "refused", http.StatusUnauthorized)
			return
		}
		event, err := whereby.ParseEvent(body)
		if err != nil {
			http.Error(w, "not understood", http.StatusBadRequest)
			return
		}
		fmt.Println(event.CreatedAt.Format(time.TimeOnly), event.Type)
	})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sender := wherebytest.Sender{
		Account: account, URL: "http://exporter.example.com/webhook", Secret: secret,
		Client:      &http.Client{Transport: wherebytest.HandlerTransport(receiver)},
		Since:       begin,
		MaxInFlight: 1, // in order
		OnDone: func(e wherebytest.Event, _ int, _ error) {
			if e.Type == whereby.SessionEnded {
				cancel()
			}
		},
	}
	if err := sender.Run(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println("acknowledged:", sender.Stats().Acknowledged)
	// Output:
	// 09:00:00 room.client.joined
	// 09:01:00 room.client.joined
	// 09:01:00 room.session.started
	// 09:20:00 room.client.left
	// 09:30:00 room.client.left
	// 09:30:00 room.session.ended
	// acknowledged: 6
}
