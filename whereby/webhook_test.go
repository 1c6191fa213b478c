package whereby_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"whereby_exporter/whereby"
)

func verifier(t testing.TB, secrets ...string) *whereby.Verifier {
	t.Helper()
	v, err := whereby.NewVerifier(5*time.Minute, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var signedAt = time.Unix(1_750_000_000, 0)

func TestVerify(t *testing.T) {
	body := []byte(`{"id":"e1"}`)
	good := whereby.Sign("new", body, signedAt)
	stamp, mac, _ := strings.Cut(good, ",")
	old := strings.Split(whereby.Sign("old", body, signedAt), ",")[1]
	forged := "v1=" + strings.Repeat("ab", 32)
	for name, tc := range map[string]struct {
		header string
		body   string
		after  time.Duration
		want   error
	}{
		"genuine":                       {header: good},
		"with the older secret":         {header: stamp + "," + old},
		"signed with both":              {header: stamp + "," + mac + "," + old},
		"a forged one as well":          {header: stamp + "," + forged + "," + mac},
		"the other way round":           {header: mac + "," + stamp},
		"with blanks":                   {header: " " + stamp + " , " + mac + " "},
		"in capitals":                   {header: stamp + ",v1=" + strings.ToUpper(mac[3:])},
		"with another version":          {header: stamp + ",v0=00," + mac + ",v2=x"},
		"just in time":                  {header: good, after: 5 * time.Minute},
		"from a clock a minute ahead":   {header: good, after: -time.Minute},
		"replayed":                      {header: good, after: 5*time.Minute + time.Second, want: whereby.ErrExpired},
		"of the future":                 {header: good, after: -time.Minute - time.Second, want: whereby.ErrExpired},
		"another body":                  {header: good, body: `{"id":"e2"}`, want: whereby.ErrSignature},
		"the same JSON, other bytes":    {header: good, body: `{"id": "e1"}`, want: whereby.ErrSignature},
		"another time":                  {header: "t=1750000001," + mac, want: whereby.ErrSignature},
		"two times":                     {header: stamp + "," + stamp + "," + mac, want: whereby.ErrSignature},
		"no time":                       {header: mac, want: whereby.ErrSignature},
		"a time that is none":           {header: "t=now," + mac, want: whereby.ErrSignature},
		"no signature":                  {header: stamp, want: whereby.ErrSignature},
		"an empty signature":            {header: stamp + ",v1=", want: whereby.ErrSignature},
		"a signature cut short":         {header: good[:len(good)-2], want: whereby.ErrSignature},
		"a signature that is not hex":   {header: stamp + ",v1=" + strings.Repeat("zz", 32), want: whereby.ErrSignature},
		"forged":                        {header: stamp + "," + forged, want: whereby.ErrSignature},
		"forged and replayed":           {header: stamp + "," + forged, after: time.Hour, want: whereby.ErrSignature},
		"the right one behind too many": {header: stamp + strings.Repeat(","+forged, 8) + "," + mac, want: whereby.ErrSignature},
		"nothing":                       {header: "", want: whereby.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			sent := body
			if tc.body != "" {
				sent = []byte(tc.body)
			}
			err := verifier(t, "new", "old").Verify(tc.header, sent, signedAt.Add(tc.after))
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Errorf("the error is %v, want %v", err, tc.want)
			}
		})
	}
}

func TestTheSignatureIsWhatTheDocumentationSays(t *testing.T) {
	// printf '1750000000.{"id":"e1"}' | openssl dgst -sha256 -hmac whsec
	const want = "t=1750000000,v1=9502288bd3c46bc24775d8144732ffcd8c1d9557c493346a49e31101717240d0"
	if got := whereby.Sign("whsec", []byte(`{"id":"e1"}`), signedAt); got != want {
		t.Errorf("the header is %q, want %q", got, want)
	}
}

func TestAVerifierNeedsASecretAndAnAge(t *testing.T) {
	for name, make := range map[string]func() (*whereby.Verifier, error){
		"no secret":       func() (*whereby.Verifier, error) { return whereby.NewVerifier(time.Minute) },
		"an empty secret": func() (*whereby.Verifier, error) { return whereby.NewVerifier(time.Minute, "a", "") },
		"no age":          func() (*whereby.Verifier, error) { return whereby.NewVerifier(0, "a") },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestSecretsAreRotated(t *testing.T) {
	v := verifier(t, "old")
	body := []byte(`{"id":"e1"}`)
	expect := func(when string, want map[string]error) {
		t.Helper()
		for secret, want := range want {
			if err := v.Verify(whereby.Sign(secret, body, signedAt), body, signedAt); !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s, what is signed with the %s secret gives %v, want %v", when, secret, err, want)
			}
		}
	}
	rotate := func(secrets ...string) {
		t.Helper()
		if err := v.Rotate(secrets...); err != nil {
			t.Fatal(err)
		}
	}
	expect("at first", map[string]error{"old": nil, "new": whereby.ErrSignature})
	rotate("old", "new")
	expect("with both", map[string]error{"old": nil, "new": nil})
	secrets := []string{"new"}
	rotate(secrets...)
	secrets[0] = "old" // is the caller's
	expect("with the new one", map[string]error{"old": whereby.ErrSignature, "new": nil})
	if v.Rotate() == nil || v.Rotate("old", "") == nil {
		t.Error("no secret, or an empty one, is accepted")
	}
	expect("after a mistake", map[string]error{"old": whereby.ErrSignature, "new": nil, "": whereby.ErrSignature})
}

// TestARotationHasNoGap rotates while requests are verified: a secret that is in each of
// the sets always matches, and one that is in none never does.
func TestARotationHasNoGap(t *testing.T) {
	v := verifier(t, "old", "kept")
	body := []byte(`{"id":"e1"}`)
	genuine, forged := whereby.Sign("kept", body, signedAt), whereby.Sign("guess", body, signedAt)
	var verifying sync.WaitGroup
	for range 4 {
		verifying.Go(func() {
			for range 500 {
				if err := v.Verify(genuine, body, signedAt); err != nil {
					t.Errorf("a genuine request gives %v", err)
				}
				if err := v.Verify(forged, body, signedAt); !errors.Is(err, whereby.ErrSignature) {
					t.Errorf("a forged request gives %v", err)
				}
			}
		})
	}
	verified := make(chan struct{})
	go func() {
		verifying.Wait()
		close(verified)
	}()
	for sets := [][]string{{"kept", "new"}, {"kept"}, {"older", "old", "kept"}}; ; sets = append(sets[1:], sets[0]) {
		if err := v.Rotate(sets[0]...); err != nil {
			t.Fatal(err)
		}
		select {
		case <-verified:
			return
		default:
		}
	}
}

func FuzzVerify(f *testing.F) {
	body := []byte(`{"id":"e1"}`)
	f.Add(whereby.Sign("secret", body, signedAt), body)
	f.Add("t=1750000000,v1=00", body)
	f.Add(",,=,t=,v1=,t", []byte{})
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		v := verifier(t, "secret")
		err := v.Verify(header, body, signedAt)
		if err == nil && v.Verify(header, append(body, ' '), signedAt) == nil {
			t.Errorf("%q is accepted for two bodies", header)
		}
		if err != nil && !errors.Is(err, whereby.ErrSignature) && !errors.Is(err, whereby.ErrExpired) {
			t.Errorf("the error is %v", err)
		}
		if again := v.Verify(whereby.Sign("secret", body, signedAt), body, signedAt); again != nil {
			t.Errorf("a genuine request is refused: %v", again)
		}
	})
}

func TestParseEvent(t *testing.T) {
	const joined = `{"id":"e1","apiVersion":"1.0","createdAt":"2025-06-15T12:00:00.123Z","type":"room.client.joined","data":{
		"meetingId":"m1","roomName":"acme-1","subdomain":"acme","roomSessionId":"s1","participantId":"p1","roleName":"host",
		"numClients":3,"numClientsByRoleName":{"host":1,"visitor":2,"viewer":0},"displayName":"Planted Person","externalId":"x1","metadata":"m","isDialIn":false}}`
	event, err := whereby.ParseEvent([]byte(joined))
	if err != nil {
		t.Fatal(err)
	}
	if event.ID != "e1" || event.Type != whereby.ClientJoined || event.RoomName != "/acme-1" || event.RoomSessionID != "s1" ||
		event.ParticipantID != "p1" || event.RoleName != "host" || fmt.Sprint(event.Clients) != "map[host:1 visitor:2]" ||
		event.ExternalID != "x1" || event.CreatedAt.UnixMilli() != 1749988800123 {
		t.Errorf("got %+v", event)
	}
	if strings.Contains(fmt.Sprintf("%+v", event), "Planted") {
		t.Error("the event holds a display name")
	}
	for value, want := range map[string]bool{"true": true, "false": false, "null": false, `"true"`: false, "1": false, "{}": false, "[]": false} {
		e, err := whereby.ParseEvent([]byte(strings.Replace(joined, `"isDialIn":false`, `"isDialIn":`+value, 1)))
		if err != nil || e.DialIn != want || len(e.Oddities) > 0 || e.RoleName != "host" {
			t.Errorf("with isDialIn %s the event is %+v, %v", value, e, err)
		}
	}
	for name, tc := range map[string]struct{ from, to, want string }{
		"no id":                       {`"id":"e1"`, `"x":1`, "[id] map[host:1 visitor:2] 0 false"},
		"an id that is a number":      {`"id":"e1"`, `"id":1`, "[] map[host:1 visitor:2] 0 false"},
		"no time":                     {`"createdAt":"2025-06-15T12:00:00.123Z"`, `"x":1`, "[created_at] map[host:1 visitor:2] 0 false"},
		"another time":                {`2025-06-15T12:00:00.123Z`, `yesterday`, "[created_at] map[host:1 visitor:2] 0 false"},
		"a year of five digits":       {`2025-06-15T12:00:00.123Z`, `9999-12-31T23:59:59-01:00`, "[created_at] map[host:1 visitor:2] 0 false"},
		"a year before the first":     {`2025-06-15T12:00:00.123Z`, `0000-01-01T00:00:00+01:00`, "[created_at] map[host:1 visitor:2] 0 false"},
		"a number for a time":         {`"2025-06-15T12:00:00.123Z"`, `1750000000`, "[created_at] map[host:1 visitor:2] 0 false"},
		"negative count":              {`"host":1`, `"host":-1`, "[counts] map[] 3 true"},
		"text for a count":            {`"host":1`, `"host":"1"`, "[counts] map[] 3 true"},
		"count beyond any room":       {`"host":1`, `"host":1000001`, "[counts] map[] 3 true"},
		"text for a total":            {`"numClients":3`, `"numClients":"3"`, "[] map[host:1 visitor:2] 0 false"},
		"roles null":                  {`{"host":1,"visitor":2,"viewer":0}`, `null`, "[counts] map[] 3 true"},
		"roles in a list":             {`{"host":1,"visitor":2,"viewer":0}`, `["host"]`, "[counts] map[] 3 true"},
		"a text for roles":            {`{"host":1,"visitor":2,"viewer":0}`, `"host"`, "[counts] map[] 3 true"},
		"no role":                     {`{"host":1,"visitor":2,"viewer":0}`, `{}`, "[counts] map[] 3 true"},
		"roles without anybody":       {`{"host":1,"visitor":2,"viewer":0}`, `{"host":0}`, "[counts] map[] 3 true"},
		"nobody at all":               {`"numClients":3,"numClientsByRoleName":{"host":1,"visitor":2,"viewer":0}`, `"numClients":0,"numClientsByRoleName":{}`, "[] map[] 0 false"},
		"a total of 0":                {`"numClients":3,"numClientsByRoleName":{"host":1,"visitor":2,"viewer":0}`, `"numClients":0`, "[] map[] 0 false"},
		"no total, and no role":       {`"numClients":3,"numClientsByRoleName":{"host":1,"visitor":2,"viewer":0}`, `"numClientsByRoleName":{}`, "[counts] map[] 0 false"},
		"no counts":                   {`"numClients":3,"numClientsByRoleName":{"host":1,"visitor":2,"viewer":0},`, ``, "[counts] map[] 0 false"},
		"text too long":               {`"p1"`, `"` + strings.Repeat("p", 2000) + `"`, "[] map[host:1 visitor:2] 0 false"},
		"a meeting that is a number":  {`"m1"`, `61490154`, "[] map[host:1 visitor:2] 0 false"},
		"a session that is an object": {`"s1"`, `{}`, "[] map[host:1 visitor:2] 0 false"},
		"a room that is a number":     {`"acme-1"`, `3`, "[room] map[host:1 visitor:2] 0 false"},
		"no room":                     {`"roomName":"acme-1",`, ``, "[room] map[host:1 visitor:2] 0 false"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(joined, tc.from, tc.to, 1)
			e, err := whereby.ParseEvent([]byte(body))
			if err != nil || body == joined {
				t.Fatalf("%v for %s", err, body)
			}
			if got := fmt.Sprint(e.Oddities, " ", e.Clients, " ", e.Total, " ", e.TotalKnown); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if e.ID == "" || e.Type != whereby.ClientJoined || e.RoleName != "host" || len(e.ParticipantID) > 1024 {
				t.Errorf("got %+v", e)
			}
			if again, _ := whereby.ParseEvent([]byte(body)); again.ID != e.ID {
				t.Errorf("delivered again it is %q, and was %q", again.ID, e.ID)
			}
		})
	}
	for name, tc := range map[string]struct{ body, says string }{
		"truncated": {strings.TrimSuffix(joined, "}}"), "truncated JSON"},
		"an array":  {`[]`, "of a wrong type"},
		"null":      {`null`, "null"},
		"no type":   {strings.Replace(joined, `"type":"room.client.joined"`, `"type":7`, 1), "has no type"},
	} {
		var malformed *whereby.MalformedError
		_, err := whereby.ParseEvent([]byte(tc.body))
		if err == nil || !strings.Contains(err.Error(), tc.says) || errors.As(err, &malformed) == errors.Is(err, whereby.ErrNoType) {
			t.Errorf("%s: the error is %v, want %q in it", name, err, tc.says)
		}
	}
	for name, body := range map[string]string{
		"a type of the future":          `{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"room.painted","data":{"colour":"red"}}`,
		"one with an array":             `{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"room.painted","data":[]}`,
		"one with a known field's name": `{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"room.painted","data":{"status":{"code":1},"roomName":3,"numClients":[]}}`,
		"data of another type":          `{"data":["x"],"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"assistant.requested"}`,
		"without data":                  `{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"assistant.requested"}`,
		"metadata that is no text":      strings.Replace(joined, `"metadata":"m"`, `"metadata":{"a":[1]},"subdomain":7`, 1),
	} {
		if event, err := whereby.ParseEvent([]byte(body)); err != nil || len(event.Oddities) > 0 {
			t.Errorf("%s: %v, %v", name, event.Oddities, err)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"room.client.left","data":{"roomName":"/a","numClients":1,"numClientsByRoleName":{"host":1}}}`))
	f.Add([]byte(`{"id":"e1","createdAt":"2025-06-15T12:00:00Z","type":"x","data":null}`))
	f.Add([]byte(`{"data":{"displayName":"Planted Person","numClients":"Planted Person"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := whereby.ParseEvent(body)
		if err != nil {
			if text := err.Error(); strings.Contains(text, "Planted") || len(text) > 300 {
				t.Errorf("the error repeats the body: %q", text)
			}
			return
		}
		if event.ID == "" || event.Type == "" || event.RoomName != "" && event.RoomName[0] != '/' {
			t.Errorf("got %+v", event)
		}
		for role, n := range event.Clients {
			if n <= 0 || len(role) > 1024 {
				t.Errorf("%d clients of %q", n, role)
			}
		}
	})
}
