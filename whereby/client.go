package whereby

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is the production API.
const DefaultBaseURL = "https://api.whereby.dev/v1"

// maxBody bounds an answer after decompression. A page of 100 rooms is about
// 60 KiB, six hours of one participant's samples about 1 MiB.
const maxBody = 16 << 20

// defaultAttemptTimeout bounds one attempt of a call, its body included.
const defaultAttemptTimeout = 30 * time.Second

// Endpoints, as they are named in errors and in [Exchange].
const (
	EndpointRooms        = "rooms"
	EndpointRoomSessions = "room-sessions"
	EndpointParticipants = "participants"
	EndpointParticipant  = "participant"

	EndpointTranscriptions = "transcriptions"
	EndpointRecordings     = "recordings"
)

// pathOf is where an endpoint is, below the API's address.
func pathOf(endpoint string) string {
	if endpoint == EndpointTranscriptions || endpoint == EndpointRecordings {
		return "/" + endpoint
	}
	return "/insights/" + endpoint
}

// A KeyFunc returns the API key. It is called before each attempt, so that a key in a file can
// be rotated while the program runs.
type KeyFunc func() (string, error)

// StaticKey returns a KeyFunc for a key that does not change.
func StaticKey(key string) KeyFunc {
	return func() (string, error) { return key, nil }
}

// Client reads the Insights endpoints and the list of recordings. It is safe for concurrent use; its fields
// must not change once it is used.
type Client struct {
	// BaseURL is the API's address without a trailing slash; "" means DefaultBaseURL.
	BaseURL string
	// APIKey returns the bearer token. It is a function so that printing a Client can't print
	// the key.
	APIKey KeyFunc
	// HTTPClient sends the requests; nil means http.DefaultClient.
	HTTPClient *http.Client
	// AttemptTimeout limits the duration of an attempt; 0 means 30 s.
	AttemptTimeout time.Duration
	// Budget limits the points spent by attempts; nil means no limit.
	Budget *Budget
	// Retry determines how failed attempts are retried; the zero value is usable.
	Retry RetryPolicy
	// UserAgent is sent with each request if not empty.
	UserAgent string
	// OnExchange, if not nil, is called after every attempt.
	OnExchange func(Exchange)
	// OnUnusable, if not nil, is called with the number of rows of a response that could not
	// be read and were skipped.
	OnUnusable func(endpoint string, rows int)

	priority Priority
}

// Exchange is the result of one attempt of a call.
type Exchange struct {
	// Endpoint is one of the Endpoint constants.
	Endpoint string
	// StatusCode is the HTTP status, or 0 if there was no response.
	StatusCode int
	// Duration is the time from sending the request to the end of the response.
	Duration time.Duration
	// RateLimit is what the response's headers say about the organization's points.
	RateLimit RateLimit
	// Points is what the attempt was charged. ReadCost is what the next one is expected to
	// cost. Both are 0 without a budget.
	Points, ReadCost int
}

// WithPriority returns a copy of the client whose calls have another priority when the shared
// budget is short.
func (c *Client) WithPriority(p Priority) *Client {
	other := *c
	other.priority = p
	return &other
}

// Background returns a copy of the client whose calls yield to those in the
// foreground, see [Priority].
func (c *Client) Background() *Client { return c.WithPriority(Background) }

// get calls one endpoint, repeating failed attempts as the policy says, and
// hands the body of the first good answer to decode. decode's error counts as a
// malformed answer.
func (c *Client) get(ctx context.Context, endpoint string, query url.Values, decode func([]byte) error) error {
	var failed tally
	for {
		err := c.attempt(ctx, endpoint, query, decode)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait, again := c.Retry.next(&failed, err)
		if !again {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (c *Client) attempt(ctx context.Context, endpoint string, query url.Values, decode func([]byte) error) error {
	var expense *expense
	if c.Budget != nil {
		var err error
		if expense, err = c.Budget.wait(ctx, c.priority, kind{endpoint, query.Has("cursor")}, c.Retry.maxThrottleWait()); err != nil {
			return err
		}
	}
	req, err := c.request(ctx, endpoint, query)
	if err != nil {
		if expense != nil {
			c.Budget.release(expense)
		}
		return err
	}
	timeout := c.AttemptTimeout
	if timeout <= 0 {
		timeout = defaultAttemptTimeout
	}
	attemptCtx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no complete answer within %v", timeout))
	defer cancel()

	start := time.Now()
	exchange := Exchange{Endpoint: endpoint}
	body, err := c.roundTrip(req.WithContext(attemptCtx), &exchange)
	exchange.Duration = time.Since(start)
	if c.Budget != nil {
		if notSent(err) {
			c.Budget.release(expense)
		} else {
			exchange.Points = c.Budget.settle(expense, exchange.RateLimit, exchange.StatusCode == http.StatusOK)
		}
		exchange.ReadCost = c.Budget.ReadCost(endpoint)
	}
	if c.OnExchange != nil {
		c.OnExchange(exchange)
	}
	var throttled *ThrottledError
	switch {
	case errors.As(err, &throttled):
		if c.Budget != nil {
			c.Budget.block(throttled.RetryAt)
		}
		return err
	case err != nil && ctx.Err() == nil && attemptCtx.Err() != nil:
		return &ServerError{StatusCode: exchange.StatusCode, Err: context.Cause(attemptCtx)}
	case err != nil:
		return err
	}
	if err := decode(body); err != nil {
		var malformed *MalformedError
		if errors.As(err, &malformed) {
			return malformed
		}
		return &MalformedError{Err: err}
	}
	return nil
}

// tellUnusable tells of rows that were set aside.
func (c *Client) tellUnusable(endpoint string, rows int) {
	if c.OnUnusable != nil && rows > 0 {
		c.OnUnusable(endpoint, rows)
	}
}

func (c *Client) request(ctx context.Context, endpoint string, query url.Values) (*http.Request, error) {
	base := c.BaseURL
	if base == "" {
		base = DefaultBaseURL
	}
	address := strings.TrimRight(base, "/") + pathOf(endpoint)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &RequestError{Err: err}
	}
	if c.APIKey == nil {
		return nil, &AuthError{Err: errors.New("no API key is set")}
	}
	key, err := c.APIKey()
	if err != nil {
		return nil, &AuthError{Err: err}
	}
	if !validKey(key) {
		return nil, &AuthError{Err: errors.New("the key is empty or holds a blank or a control character")}
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Accept", "application/json")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	return req, nil
}

// validKey reports whether a header may hold the key. The library's own error would
// come too late, and looks like a network error.
func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f {
			return false
		}
	}
	return key != ""
}

// roundTrip sends one request and reads its answer whole. Its errors are typed
// by what the answer was.
func (c *Client) roundTrip(req *http.Request, exchange *Exchange) ([]byte, error) {
	client := c.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		// The address holds no secret, but it is long and says nothing that the
		// caller does not know.
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			err = urlErr.Err
		}
		return nil, &ServerError{Err: err}
	}
	defer resp.Body.Close()
	exchange.StatusCode = resp.StatusCode
	exchange.RateLimit = rateLimitOf(resp.Header)

	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp, body, time.Now())
	}
	switch {
	case err != nil:
		return nil, &ServerError{StatusCode: resp.StatusCode, Err: fmt.Errorf("answer broke off after %d bytes: %w", len(body), err)}
	case len(body) > maxBody:
		return nil, &MalformedError{Err: fmt.Errorf("answer is larger than %d MiB", maxBody>>20)}
	}
	return body, nil
}

// notSent reports whether a request cannot have reached the API, so that it cost nothing.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
