// Package webhook receives Whereby's webhook requests.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"whereby_exporter/whereby"
)

const (
	// maxBody is far above any event; the largest documented fields are texts that
	// an embedding application gave.
	maxBody = 256 << 10
	// usualBody is how many bytes are allocated for a body before any of it arrives.
	usualBody = 4 << 10
	// answerWithin is how long an event may take to become durable. Whereby stops waiting after
	// 5 s and sends it again; a 503 before that says so clearly. An event that becomes durable
	// after all is recognized when it is delivered again.
	answerWithin = 4 * time.Second
)

// Reason is why a request was rejected.
type Reason string

// The reasons.
const (
	ReasonSignature Reason = "signature"
	ReasonExpired   Reason = "expired"
	ReasonMalformed Reason = "malformed"
	ReasonTooLarge  Reason = "too_large"
	ReasonMethod    Reason = "method"
)

// Reasons are all of them.
func Reasons() []Reason {
	return []Reason{ReasonSignature, ReasonExpired, ReasonMalformed, ReasonTooLarge, ReasonMethod}
}

// Handler verifies requests and hands their events on.
type Handler struct {
	Verifier *whereby.Verifier
	// Now, if not nil, is a second clock, in case the system's is wrong: signatures must not be
	// expired by it either.
	Now func() time.Time
	// Accept makes an event durable. It is called for every genuine event, again for
	// one that was delivered again, and from many goroutines. It returns when the
	// context is done at the latest.
	Accept func(context.Context, whereby.Event) error
	// Rejected is called with the reason for which a request was rejected.
	Rejected func(Reason)
	// Unusable is called for a genuine event that cannot be used at all. The event is
	// acknowledged, since it would be the same if it came again.
	Unusable func(whereby.Oddity)
	Logger   *slog.Logger

	timeouts               timeouts
	refused, notUnderstood repeats
}

// ServeHTTP answers 2xx only once the event is durable. Otherwise the status decides whether
// Whereby sends the event again: it does after a 5xx, but not after a 4xx.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.reject(w, http.StatusMethodNotAllowed, ReasonMethod)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	defer keepBody(body)
	err := readBody(body, w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		h.reject(w, http.StatusRequestEntityTooLarge, ReasonTooLarge)
		return
	case err != nil: // too slow, or gone
		h.reject(w, http.StatusBadRequest, ReasonMalformed)
		return
	}
	if err := h.verify(r.Header.Get(whereby.SignatureHeader), body.Bytes()); err != nil {
		reason := ReasonSignature
		if errors.Is(err, whereby.ErrExpired) {
			reason = ReasonExpired
		}
		h.reject(w, http.StatusUnauthorized, reason)
		return
	}
	event, err := whereby.ParseEvent(body.Bytes())
	if errors.Is(err, whereby.ErrNoType) {
		h.Unusable(whereby.OddType)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err != nil {
		if count, due := h.notUnderstood.failed(err); due {
			h.Logger.Warn("a genuine webhook could not be parsed", "err", err, "count", count)
		}
		h.reject(w, http.StatusBadRequest, ReasonMalformed)
		return
	}
	// Not the request's context: the sender may be gone by now, and the event is kept anyway.
	if err := h.Accept(h.timeouts.next(), event); err != nil {
		if count, due := h.refused.failed(err); due {
			h.Logger.Error("storing an event failed; Whereby will send it again", "type", event.Type, "err", err, "count", count)
		}
		http.Error(w, "the event could not be stored", http.StatusServiceUnavailable)
		return
	}
	if count, due := h.refused.passed(); due {
		h.Logger.Info("events are stored again", "more_refused", count)
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify verifies a body. While the system's clock is ahead of the other one, nobody can know
// which is right, and Whereby does not resend after a 401.
func (h *Handler) verify(signature string, body []byte) error {
	err := h.Verifier.Verify(signature, body, time.Now())
	if errors.Is(err, whereby.ErrExpired) && h.Now != nil {
		err = h.Verifier.Verify(signature, body, h.Now())
	}
	return err
}

// bodies are buffers for request bodies. Nothing refers to one after its request.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keepBody keeps a buffer for another body. A large one is not kept: strangers could make all
// of them large.
func keepBody(body *bytes.Buffer) {
	if body.Cap() <= 2*usualBody {
		bodies.Put(body)
	}
}

// readBody reads a body of at most maxBody bytes.
func readBody(body *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	body.Reset()
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, usualBody)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return err
}

// reject answers with nothing but the status: people who forge requests must learn nothing,
// and Whereby itself reads only the status.
func (h *Handler) reject(w http.ResponseWriter, status int, reason Reason) {
	h.Rejected(reason)
	http.Error(w, http.StatusText(status), status)
}
