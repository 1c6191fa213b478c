package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// stallTimeout is how long a client may take to read answerPiece bytes of an answer, or the
	// rest of it.
	stallTimeout = 30 * time.Second
	answerPiece  = 1 << 20
	// writePiece is how many bytes are written at once, to detect clients that do not read.
	writePiece = 64 << 10
	// maxWebBody is the maximum size of a request's body on the web address, where no endpoint
	// needs one.
	maxWebBody = 64 << 10
)

var errTurnedOut = errors.New("the client did not read its answer, and another one waited")

// answer is a response with a deadline that moves as the client reads: a long answer may
// take long, but no client can keep one forever.
type answer struct {
	http.ResponseWriter
	controller *http.ResponseController
	stalled    time.Duration

	mu      sync.Mutex
	left    int       // until the deadline moves
	blocked time.Time // when the write of the current piece began; zero if there is none
	cut     bool
}

// withAnswer answers requests through an answer. It reads the whole body before the handler
// runs.
func withAnswer(stalled time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, controller: http.NewResponseController(w), stalled: stalled}
		if status := readBody(r); status != 0 {
			w.Header().Set("Connection", "close")
			http.Error(w, http.StatusText(status), status)
			return
		}
		// The server's timeouts cover what happens before the handler runs and after it.
		_ = a.controller.SetReadDeadline(time.Time{})
		_ = a.controller.SetWriteDeadline(time.Time{})
		defer a.end()
		next.ServeHTTP(a, r)
	})
}

// readBody returns the status to answer with if a request's body is too large or slow.
func readBody(r *http.Request) int {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxWebBody+1))
	switch {
	case err != nil:
		return http.StatusRequestTimeout
	case len(body) > maxWebBody:
		return http.StatusRequestEntityTooLarge
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return 0
}

// Unwrap serves [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (written int, err error) {
	for first := true; first || len(p) > 0; first = false {
		piece := p[:min(len(p), writePiece)]
		if err := a.begin(len(piece)); err != nil {
			return written, err
		}
		n, err := a.ResponseWriter.Write(piece)
		a.mu.Lock()
		a.blocked = time.Time{}
		a.mu.Unlock()
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// begin notes that a piece is about to be written.
func (a *answer) begin(n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cut {
		return errTurnedOut
	}
	a.blocked = time.Now()
	if a.left -= n; a.left >= 0 {
		return nil
	}
	a.left = answerPiece
	if err := a.controller.SetWriteDeadline(a.blocked.Add(a.stalled)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// end gives the client time to read what the server has not sent yet.
func (a *answer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.cut {
		_ = a.controller.SetWriteDeadline(time.Now().Add(a.stalled))
	}
}

// turnOut cuts off the answer. The handler must not have returned.
func (a *answer) turnOut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cut = true
	_ = a.controller.SetWriteDeadline(time.Unix(1, 0))
}

// blockedFor returns for how long the client has read nothing.
func (a *answer) blockedFor() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.blocked.IsZero() {
		return 0
	}
	return time.Since(a.blocked)
}
