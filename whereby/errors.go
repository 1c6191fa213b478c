package whereby

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Error says what was being read when a call failed. Err is one of the typed
// errors of this package or the error of the context.
type Error struct {
	// Endpoint is one of the Endpoint constants.
	Endpoint string
	// Page is the page of a list, counting from 1, or 0 if there are no pages.
	Page int
	Err  error
}

func (e *Error) Error() string {
	if e.Page > 0 {
		return fmt.Sprintf("read %s page %d: %v", pathOf(e.Endpoint), e.Page, e.Err)
	}
	return fmt.Sprintf("read %s: %v", pathOf(e.Endpoint), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// ErrorClass classifies the error of a call with a word from a fixed set, suitable for labels
// and log lines.
type ErrorClass string

// The classes of errors, one for each type of this package.
const (
	ClassAuth      ErrorClass = "auth"
	ClassThrottled ErrorClass = "throttled"
	ClassServer    ErrorClass = "server"
	ClassMalformed ErrorClass = "malformed"
	ClassRequest   ErrorClass = "request"
)

// ClassOf returns the class of an error, or "" if it is not the error of a call.
func ClassOf(err error) ErrorClass {
	var (
		auth      *AuthError
		throttled *ThrottledError
		server    *ServerError
		malformed *MalformedError
		request   *RequestError
	)
	switch {
	case errors.As(err, &auth):
		return ClassAuth
	case errors.As(err, &throttled):
		return ClassThrottled
	case errors.As(err, &server):
		return ClassServer
	case errors.As(err, &malformed):
		return ClassMalformed
	case errors.As(err, &request):
		return ClassRequest
	}
	return ""
}

// AuthError means that Whereby rejected the key (401, 403), or that there is none. Retrying
// with the same key can't help.
type AuthError struct {
	StatusCode int // 0 if no request was sent
	Err        error
}

func (e *AuthError) Error() string {
	if e.StatusCode == 0 {
		return fmt.Sprintf("API key: %v", e.Err)
	}
	return fmt.Sprintf("Whereby refused the API key (HTTP %d); check that it is whole, not revoked, and of this organization", e.StatusCode)
}

func (e *AuthError) Unwrap() error { return e.Err }

// ThrottledError means that the organization's points are used up (429).
type ThrottledError struct {
	// RetryAt is when requests may continue, according to Whereby.
	RetryAt time.Time
	// Local is true if the call failed without a request, because an earlier response asked to
	// wait, and RetryAt is too far away.
	Local bool
}

func (e *ThrottledError) Error() string {
	at := e.RetryAt.UTC().Format(time.RFC3339)
	if e.Local {
		return "rate limited by an earlier answer until " + at + "; no request sent"
	}
	return "rate limited (HTTP 429) until " + at
}

// ServerError means that there was no response, that it was incomplete, or that Whereby failed
// (5xx, 408).
type ServerError struct {
	StatusCode int // 0 if no answer came
	Err        error
	// RetryAfter is how long the response asked to wait, or 0.
	RetryAfter time.Duration
}

func (e *ServerError) Error() string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("HTTP %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	case e.StatusCode == 0:
		return fmt.Sprintf("no answer: %v", e.Err)
	}
	return e.Err.Error()
}

func (e *ServerError) Unwrap() error { return e.Err }

// MalformedError means that a response with status 200 could not be understood: not JSON,
// truncated, with wrong types or a required field missing, too large, or with pages that lead
// nowhere.
type MalformedError struct {
	Err error
	// final is set if a repetition would bring the same again.
	final bool
	// rows is set if the answer was fine but for its rows.
	rows bool
	// endless is set if the pages of a listing lead nowhere.
	endless bool
}

// Endless reports whether an error means that the pages of a list lead nowhere, so that
// continuing from the failed page would fail in the same way.
func Endless(err error) bool {
	var malformed *MalformedError
	return errors.As(err, &malformed) && malformed.endless
}

// UnusableRows reports whether an error means that rows could not be read in a response that
// was otherwise fine. Other requests may succeed.
func UnusableRows(err error) bool {
	var malformed *MalformedError
	return errors.As(err, &malformed) && malformed.rows
}

func (e *MalformedError) Error() string { return e.Err.Error() }

func (e *MalformedError) Unwrap() error { return e.Err }

// RequestError means that Whereby did not accept the request (a 4xx other than 401, 403, 408
// and 429), for example because of a sort field. Message is the API's own message, cut to one
// line.
type RequestError struct {
	StatusCode int // 0 if no request could be made
	Message    string
	Err        error
}

func (e *RequestError) Error() string {
	switch {
	case e.StatusCode == 0:
		return fmt.Sprintf("request: %v", e.Err)
	case e.Message == "":
		return fmt.Sprintf("HTTP %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	return fmt.Sprintf("HTTP %d: %s", e.StatusCode, e.Message)
}

func (e *RequestError) Unwrap() error { return e.Err }

// statusError gives the error for an answer that is not 200.
func statusError(resp *http.Response, body []byte, now time.Time) error {
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &AuthError{StatusCode: code}
	case code == http.StatusTooManyRequests:
		return &ThrottledError{RetryAt: now.Add(throttleWait(resp.Header, body, now))}
	case code >= 500, code == http.StatusRequestTimeout:
		wait, _ := retryAfter(resp.Header, now)
		return &ServerError{StatusCode: code, RetryAfter: wait}
	case code >= 400:
		return &RequestError{StatusCode: code, Message: errorMessage(body)}
	default:
		return &MalformedError{Err: fmt.Errorf("HTTP %d instead of 200; check the API's address", code)}
	}
}

// errorMessage takes the short text that Whereby puts into its error bodies. Any
// other body is not repeated: it may be a page of HTML, or hold what does not
// belong into a log.
func errorMessage(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	const longest = 200
	message := []rune(answer.Error)
	if len(message) > longest {
		message = append(message[:longest], '…')
	}
	for i, r := range message {
		if r < ' ' {
			message[i] = ' '
		}
	}
	return string(message)
}
