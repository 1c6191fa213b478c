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

// Sender sends an account's webhooks as Whereby does: signed, several at a time and so not
// always in order, and a second and a third time if the receiver responds with 5xx or not
// within 5 s, but no more.
//
// The exported fields must not change once it is in use. [Sender.Deliver] and [Sender.Stats]
// may be called at any time, also during [Sender.Run].
type Sender struct {
	// Account is the account whose events are sent.
	Account *Account
	// URL is where they are sent, and Secret signs them. Both are required.
	URL, Secret string
	// Client sends the requests; nil means [http.DefaultClient]. With a transport from
	// [HandlerTransport], no network is needed.
	Client *http.Client
	// Since is the time of the first event to send; zero means the start of Run.
	Since time.Time
	// Faults are the delivery faults.
	Faults DeliveryFaults
	// MaxInFlight is the maximum number of concurrent requests; 0 means 64. With 1 and no
	// faults, events arrive in order. If all are in use, further events wait.
	MaxInFlight int
	// Backoff is the wait before the second attempt; the wait before the third is twice as
	// long. 0 means 1 s.
	Backoff time.Duration
	// OnDone is called with the result of each delivery, one at a time: the status of the last
	// response, or 0 and an error if there was none, or [ErrWithheld] if Faults held it back.
	// It is not called for deliveries that the end of Run cut short. It must not block.
	OnDone func(e Event, status int, err error)

	counts counts
}

// ErrWithheld is the result of a delivery that [DeliveryFaults] held back.
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

// Deliver sends an event once, now, and returns the status of the response. It returns an
// error if there was none within 5 s, or if the context was done. Faults do not apply, and
// nothing is retried. In the statistics, it counts only as a request.
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

// Run sends each event as it happens until the context is done. Then it cancels what is in
// flight, waits for it, and returns nil. It returns an error at once if the sender is not
// configured properly. Only one Run at a time is allowed.
//
// An event that is scheduled up to a minute in the past is still sent.
func (s *Sender) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	newDispatch(s).run(ctx)
	return nil
}
