package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"whereby_exporter/whereby"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ids is a state that knows which events came, in order. Those with metadata are of
// the segment that their metadata names.
type ids struct{ applied []string }

func (s *ids) Apply(event whereby.Event, segment string, _ time.Time) {
	s.applied = append(s.applied, event.ID+segment+event.Metadata+event.ExternalID)
}
func (s *ids) Segment(event whereby.Event) string { return event.Metadata }

func (s *ids) AppendBinary(b []byte) ([]byte, error) {
	return append(b, strings.Join(s.applied, " ")...), nil
}

func (s *ids) UnmarshalBinary(b []byte) error {
	if strings.Contains(string(b), "refused") {
		return errors.New("refused")
	}
	s.applied = strings.Fields(string(b))
	return nil
}

func (s *ids) expect(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(s.applied, " "); got != want {
		t.Errorf("applied %q, want %q", got, want)
	}
}

// acceptor is a [Receiver], or has one.
type acceptor interface {
	Accept(context.Context, whereby.Event) error
}

// logged is a receiver with its log in a directory.
type logged struct {
	*Receiver
	*EventLog
}

func open(t *testing.T, dir string) (logged, *ids) {
	t.Helper()
	state := &ids{}
	log, err := OpenEventLog(dir, state, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return logged{NewReceiver(state, log, time.Now), log}, state
}

func accept(t *testing.T, r acceptor, names ...string) {
	t.Helper()
	for _, id := range names {
		if err := r.Accept(t.Context(), whereby.Event{ID: id, Type: whereby.SessionStarted, CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEventsAreThereAfterAKillWheneverTheStateWasSaved(t *testing.T) {
	dir := t.TempDir()
	r, state := open(t, dir)
	accept(t, r, "a", "b")
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	accept(t, r, "c")
	state.expect(t, "a b c")
	// It is not closed: the process was killed.
	r, state = open(t, dir)
	state.expect(t, "a b c")
	accept(t, r, "d")
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	_, state = open(t, dir)
	state.expect(t, "a b c d")
	journals, err := filepath.Glob(filepath.Join(dir, "*.journal"))
	if err != nil || len(journals) != 1 { // that of the save
		t.Errorf("journals are %v, %v", journals, err)
	}
}

func TestOfTextsOnlyTheSegmentGoesFurther(t *testing.T) {
	dir := t.TempDir()
	r, state := open(t, dir)
	event := whereby.Event{ID: "a", Type: whereby.ClientJoined, CreatedAt: time.Now(), ExternalID: "planted-id", Metadata: "north"}
	if err := r.Accept(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	state.expect(t, "anorth")
	_, state = open(t, dir)
	state.expect(t, "anorth")
}

func TestADamagedStateIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	r, _ := open(t, dir)
	accept(t, r, "a", "b")
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "live.state")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for at := range len(content) + 1 {
		damaged := append([]byte(nil), content...)
		if at == len(content) {
			damaged = damaged[:at/2]
		} else {
			damaged[at] ^= 0x20
		}
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenEventLog(dir, &ids{}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Fatalf("damage at byte %d gave %v", at, err)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != string(damaged) {
			t.Fatalf("the file was changed, %v", err)
		}
	}
}

func TestAStateOfAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	r, _ := open(t, dir)
	accept(t, r, "refused")
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEventLog(dir, &ids{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheStateIsSavedFromTimeToTimeAndAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r, _ := open(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx, func() {}) }()
		accept(t, r, "a")
		saved := func() string {
			content, _ := os.ReadFile(filepath.Join(dir, "live.state"))
			return string(content)
		}
		time.Sleep(saveInterval - time.Second)
		if saved() != "" {
			t.Error("the state was saved at once")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !strings.Contains(saved(), "a") {
			t.Errorf("the state is %q after a minute", saved())
		}
		accept(t, r, "b")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !strings.Contains(saved(), "a b") {
			t.Errorf("the state is %q at the end", saved())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutStorageEventsAreAppliedAlone(t *testing.T) {
	state := &ids{}
	accept(t, NewReceiver(state, Unlogged{}, time.Now), "a")
	state.expect(t, "a")
}

// TestACopyGoesOnWithoutTheJournal copies the state while the journal holds part of it.
func TestACopyGoesOnWithoutTheJournal(t *testing.T) {
	r, _ := open(t, t.TempDir())
	accept(t, r, "a")
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
	accept(t, r, "b")
	content, err := r.Copy()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, StateFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	other, state := open(t, dir)
	state.expect(t, "a b")
	accept(t, other, "c")
	_, state = open(t, dir) // the process was killed
	state.expect(t, "a b c")
}

// post sends a signed body to a handler.
func post(ctx context.Context, t *testing.T, h *Handler) int {
	t.Helper()
	const body = `{"id":"e1","createdAt":"2026-03-01T12:00:00Z","type":"room.session.started","data":{}}`
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhook", strings.NewReader(body))
	request.Header.Set(whereby.SignatureHeader, whereby.Sign("secret", []byte(body), time.Now()))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer.Code
}

func handler(t *testing.T, acceptance func(context.Context, whereby.Event) error, log io.Writer) *Handler {
	t.Helper()
	verifier, err := whereby.NewVerifier(5*time.Minute, "secret")
	if err != nil {
		t.Fatal(err)
	}
	return &Handler{
		Verifier: verifier, Accept: acceptance, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Rejected: func(reason Reason) { fmt.Fprintln(log, "rejected", reason) },
	}
}

func TestAnEventThatCannotBeStoredGets503(t *testing.T) {
	var log strings.Builder
	h := handler(t, func(context.Context, whereby.Event) error { return errors.New("no space left on device") }, &log)
	if status := post(t.Context(), t, h); status != http.StatusServiceUnavailable {
		t.Errorf("the status is %d", status)
	}
	if !strings.Contains(log.String(), "no space left") {
		t.Errorf("the log is %q", log.String())
	}
}

// TestASlowDiskIsAnsweredInTime has a disk that takes a minute: Whereby gives up after
// 5 seconds.
func TestASlowDiskIsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		h := handler(t, func(ctx context.Context, _ whereby.Event) error {
			select {
			case <-time.After(time.Minute):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}, &log)
		start := time.Now()
		status := post(t.Context(), t, h)
		if took := time.Since(start); status != http.StatusServiceUnavailable || took > 4500*time.Millisecond {
			t.Errorf("answered %d after %v", status, took)
		}
		if !strings.Contains(log.String(), "the disk is too slow") {
			t.Errorf("the log is %q", log.String())
		}
	})
}
