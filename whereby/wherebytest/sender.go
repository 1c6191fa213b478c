package wherebytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"whereby_exporter/whereby"
)

// How Whereby delivers webhooks. Source: the webhook reference. How short the
// backoff is it does not say.
const (
	answerWithin = 5 * time.Second // until then the receiver has to answer
	maxAttempts  = 3
	firstBackoff = time.Second // and twice that after the second attempt
)

// Sender sends an account's webhooks the way Whereby does: signed, several at a
// time, so not always in order, a second and a third time where the receiver
// answers 5xx or not within 5 s, and then never again.
//
// The exported fields must not change once it is used. [Sender.Deliver] and
// [Sender.Stats] may be called at any time, and while [Sender.Run] does.
type Sender struct {
	// Account is whose events are sent.
	Account *Account
	// URL is where they go, and Secret what they are signed with. Both are required.
	URL, Secret string
	// Client sends the requests; nil is [http.DefaultClient]. With a transport made
	// by [HandlerTransport] no network is needed.
	Client *http.Client
	// Since is the time of the first event to send; zero is the start of Run.
	Since time.Time
	// Faults are what goes wrong.
	Faults DeliveryFaults
	// MaxInFlight bounds the requests at one time; 0 is 64. With 1 and no faults,
	// events arrive in order. While all are taken, further events wait.
	MaxInFlight int
	// Backoff is the wait before the second attempt, twice that before the third;
	// 0 is 1 s.
	Backoff time.Duration
	// OnDone is told how each delivery ended, one at a time: the status of the last
	// answer, or 0 and the error if none came, [ErrWithheld] where Faults kept it
	// back. What the end of Run cut short it is not told of. It must not block.
	OnDone func(e Event, status int, err error)

	counts counts
}

// ErrWithheld is the end of a delivery that [DeliveryFaults] kept back.
var ErrWithheld = errors.New("withheld")

func (s *Sender) check() error {
	target, err := url.Parse(s.URL)
	switch {
	case s.Account == nil:
		return errors.New("sender: no account")
	case err != nil:
		return fmt.Errorf("sender: %w", err)
	case target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		return fmt.Errorf("sender: %q is not a webhook URL", s.URL)
	case s.Secret == "":
		return errors.New("sender: no secret")
	case s.MaxInFlight < 0:
		return errors.New("sender: MaxInFlight is below 0")
	}
	return s.Faults.check()
}

// Deliver sends an event once, now, and returns the status of the answer. The
// error is of a request that got none within 5 s, or of a context that was done.
// No fault changes the delivery, and none is tried again. Of what is counted, it
// counts as a request alone.
func (s *Sender) Deliver(ctx context.Context, e Event) (status int, err error) {
	body, err := e.MarshalJSON()
	if err != nil {
		return 0, err
	}
	return s.post(ctx, body)
}

// post makes one attempt. Every attempt is signed again: whether Whereby does so is
// not documented, but a receiver refuses signatures of a certain age, and a retry
// is as genuine as the first.
func (s *Sender) post(ctx context.Context, body []byte) (status int, err error) {
	s.counts.requests.Add(1)
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(whereby.SignatureHeader, whereby.Sign(s.Secret, body, time.Now()))
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// Read, so that the connection can be used again; an answer whose body breaks off
	// is an answer.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, nil
}

// Run sends each event as it happens until the context is done; then it gives up
// what is in flight, waits for it, and returns nil. It returns an error at once if
// the sender is not set up properly. One Run at a time.
//
// An event that is scheduled up to a minute into the past is still sent.
func (s *Sender) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	newDispatch(s).run(ctx)
	return nil
}
