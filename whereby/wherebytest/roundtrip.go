package wherebytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// RoundTripper returns a transport that responds to requests to any host within the process:
// without a network, without a goroutine, and ending with the request's context.
func (a *Account) RoundTripper() http.RoundTripper {
	return roundTripper{a}
}

type roundTripper struct{ account *Account }

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	ctx := r.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ans := t.account.answer(r)
	switch {
	case ans.hang:
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case ans.drop:
		return nil, fmt.Errorf("read: %w", syscall.ECONNRESET)
	}
	header := ans.header.Clone()
	header.Set("Content-Length", strconv.Itoa(len(ans.body)))
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	body := &body{ctx: ctx, pieces: ans.pieces()}
	if ans.slow > 0 {
		body.wait = ans.slow / time.Duration(len(body.pieces))
		body.due = body.wait
	}
	if ans.reset {
		body.end = io.ErrUnexpectedEOF
	}
	return &http.Response{
		Status:        strconv.Itoa(ans.status) + " " + http.StatusText(ans.status),
		StatusCode:    ans.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          body,
		ContentLength: int64(len(ans.body)),
		Request:       r,
	}, nil
}

// body hands an answer out piece by piece.
type body struct {
	ctx    context.Context // of the request, which ends the body too
	pieces [][]byte
	wait   time.Duration // before each piece
	due    time.Duration // what is left to wait for the first
	end    error         // after the last; nil is io.EOF
	closed bool
}

func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	for len(b.pieces) > 0 {
		if b.due > 0 {
			if !sleep(b.ctx, b.due) {
				return 0, context.Cause(b.ctx)
			}
			b.due = 0
		}
		if b.ctx.Err() != nil {
			return 0, context.Cause(b.ctx)
		}
		if len(b.pieces[0]) == 0 {
			b.pieces, b.due = b.pieces[1:], b.wait
			continue
		}
		n := copy(p, b.pieces[0])
		b.pieces[0] = b.pieces[0][n:]
		return n, nil
	}
	if b.end != nil {
		return 0, b.end
	}
	return 0, io.EOF
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// sleep waits, and reports whether it could finish.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
