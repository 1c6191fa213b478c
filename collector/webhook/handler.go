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
	// usualBody is what is set aside for a body before any of it has come.
	usualBody = 4 << 10
	// answerWithin is how long an event may take to become durable. Whereby gives up
	// waiting after 5 s and sends it again; a clear 503 before that tells it so. What becomes
	// durable after all is recognized when it is delivered again.
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
	// Now tells the time by which signatures are not expired either, if the system's clock
	// may be wrong; nil is none.
	Now func() time.Time
	// Accept makes an event durable. It is called for every genuine event, again for
	// one that was delivered again, and from many goroutines. It returns when the
	// context is done at the latest.
	Accept func(context.Context, whereby.Event) error
	// Rejected is told why a request was rejected.
	Rejected func(Reason)
	// Unusable is told of a genuine event of which nothing can be used. It is
	// acknowledged, since it would be the same when it came again.
	Unusable func(whereby.Oddity)
	Logger   *slog.Logger

	timeouts               timeouts
	refused, notUnderstood repeats
}

// ServeHTTP answers 2xx only once the event is durable. What it answers otherwise
// decides whether Whereby sends it again: after a 5xx it does, after a 4xx not.
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

// verify verifies a body. While the system's clock is ahead of the other, it cannot be known
// which is right, and a 401 is never sent again.
func (h *Handler) verify(signature string, body []byte) error {
	err := h.Verifier.Verify(signature, body, time.Now())
	if errors.Is(err, whereby.ErrExpired) && h.Now != nil {
		err = h.Verifier.Verify(signature, body, h.Now())
	}
	return err
}

// bodies are buffers for bodies. Nothing that outlasts a request refers to one.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keepBody keeps a buffer for another body. What strangers can make large is not kept: it would
// count as in use.
func keepBody(body *bytes.Buffer) {
	if body.Cap() <= 2*usualBody {
		bodies.Put(body)
	}
}

// readBody reads what an event needs at most.
func readBody(body *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	body.Reset()
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, usualBody)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	return err
}

// reject says no more than the status does: people who forge requests must learn
// nothing, and Whereby itself reads only the status.
func (h *Handler) reject(w http.ResponseWriter, status int, reason Reason) {
	h.Rejected(reason)
	http.Error(w, http.StatusText(status), status)
}
