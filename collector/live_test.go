package collector

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const webhookSecret = "planted-secret-51d7"

// planted are the texts of events that name people.
var planted = []string{"Planted Person", "planted-external-id", "planted-metadata"}

func verifier(t *testing.T) *whereby.Verifier {
	t.Helper()
	v, err := whereby.NewVerifier(5*time.Minute, webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// event returns the body of an event in a room; data is more of its data.
func event(id string, kind whereby.EventType, room, participant, data string) string {
	return fmt.Sprintf(`{"id":%q,"apiVersion":"1.0","createdAt":%q,"type":%q,"data":{"meetingId":"m","roomName":%q,"subdomain":"acme",
		"roomSessionId":"s","participantId":%q,"displayName":"Planted Person","externalId":"planted-external-id","metadata":"planted-metadata"%s}}`,
		id, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), kind, room, participant, data)
}

// clients returns the data of a join or leave after which there are so many clients.
func clients(role string, n int) string {
	return fmt.Sprintf(`,"roleName":%q,"numClients":%d,"numClientsByRoleName":{%q:%d}`, role, n, role, n)
}

// send delivers a signed event and returns the status of the answer.
func (b *bench) send(body string) int {
	b.Helper()
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/webhook", strings.NewReader(body))
	request.Header.Set(whereby.SignatureHeader, whereby.Sign(webhookSecret, []byte(body), time.Now()))
	answer := httptest.NewRecorder()
	b.collector.Webhook().ServeHTTP(answer, request)
	return answer.Code
}

// sendOneOfEach sends what makes every live and webhook family have a series.
func (b *bench) sendOneOfEach() {
	b.Helper()
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	for i, body := range []string{
		event("k", whereby.ClientKnocked, room, "p1", ""),
		event("h", whereby.ClientJoined, room, "p0", clients("host", 1)),
		event("j", whereby.ClientJoined, room, "p1", clients("visitor", 2)),
		event("r", whereby.RecordingFinished, room, "", `,"status":"completed"`),
		event("t", whereby.TranscriptionFinished, room, "", `,"status":"finished"`),
		event("x", "room.painted", room, "", ""),
	} {
		time.Sleep(time.Second)
		if status := b.send(body); status != http.StatusNoContent {
			b.Fatalf("event %d got %d", i, status)
		}
	}
}

func TestWithoutASecretThereAreNoLiveFigures(t *testing.T) {
	inFakeTime(t, wherebytest.Config{}, func(b *bench) {
		b.polls(1)
		if b.collector.Webhook() != nil {
			t.Error("webhooks are received")
		}
		for name := range b.families() {
			if strings.HasPrefix(name, "whereby_live") || strings.HasPrefix(name, "whereby_webhook") {
				t.Errorf("%s is exposed", name)
			}
		}
	})
}

// TestLiveFiguresSurviveARestart sends events to a collector that is never closed,
// and opens another one on its storage.
func TestLiveFiguresSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		open := func() *bench {
			return prepareWith(t, newAccount(wherebytest.Config{}), store.NewMemory(), Config{Webhooks: verifier(t), StoragePath: dir})
		}
		b := open()
		b.sendOneOfEach()
		last := event("l", whereby.ClientLeft, "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd", "p1", clients("host", 1))
		if status := b.send(last); status != http.StatusNoContent {
			t.Fatalf("got %d", status)
		}
		want := figuresOf(b)
		defer b.stop()

		for round, what := range []string{"from the journal", "from the saved state", "from the saved state and the journal"} {
			again := open()
			if got := figuresOf(again); got != want {
				t.Errorf("%s:\n got %s\nwant %s", what, got, want)
			}
			if round < 2 {
				if err := again.collector.webhooks.log.(*webhook.EventLog).Save(); err != nil {
					t.Fatal(err)
				}
			}
			if status := again.send(last); status != http.StatusNoContent {
				t.Errorf("an event that is delivered again got %d", status)
			}
			if got := again.collector.feed().View(nil).Duplicates; got != int64(round+1) {
				t.Errorf("%d duplicates, want %d", got, round+1)
			}
			if got := figuresOf(again); got != want {
				t.Errorf("an event that is delivered again changed figures:\n got %s\nwant %s", got, want)
			}
			again.stop()
		}
		stored := 0
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			stored += len(content)
			for _, text := range append(planted, webhookSecret) {
				if strings.Contains(string(content), text) {
					t.Errorf("%s holds %q", path, text)
				}
			}
			return err
		})
		if err != nil || stored == 0 {
			t.Errorf("%d bytes stored, %v", stored, err)
		}
		for _, text := range append(planted, webhookSecret) {
			if strings.Contains(b.log.String(), text) {
				t.Errorf("the log holds %q", text)
			}
		}
	})
}

// figuresOf writes the live figures of a collector that do not depend on time.
func figuresOf(b *bench) string {
	v := b.collector.feed().View(nil)
	var text strings.Builder
	for _, p := range v.Prefixes {
		fmt.Fprintf(&text, "%s: %d people, %d waiting, %d rooms, %d joins, %d leaves, %d recordings; ",
			p.Prefix, p.Participants, p.Waiting, p.Rooms, p.Joins.Sum(), p.Leaves.Sum(), p.Recordings.Sum())
	}
	for _, e := range v.Events {
		fmt.Fprintf(&text, "%s %d; ", e.Type, e.N)
	}
	return text.String()
}
