package wherebytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// HandlerTransport returns a transport in which a handler responds to requests to any host,
// within the process and without a network, so that it also works in testing/synctest. A
// request ends with its context, whatever the handler does; a handler that continues after
// that runs on alone. If the handler panics with [http.ErrAbortHandler], the connection is
// closed.
func HandlerTransport(h http.Handler) http.RoundTripper {
	return handlerTransport{h}
}

type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if ctx.Err() != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, context.Cause(ctx)
	}
	done := make(chan *recorded, 1)
	go func() { done <- t.serve(r) }()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case answer := <-done:
		if answer.aborted {
			return nil, fmt.Errorf("read: %w", syscall.ECONNRESET)
		}
		return answer.response(r), nil
	}
}

// serve lets the handler see the request as a server would.
func (t handlerTransport) serve(r *http.Request) (answer *recorded) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	answer = &recorded{header: make(http.Header)}
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			answer.aborted = true
		}
	}()
	t.handler.ServeHTTP(answer, in)
	return answer
}

// recorded is an answer as it is written. Only one goroutine has it at a time.
type recorded struct {
	header  http.Header
	sent    http.Header // header as of when the status was written
	status  int
	body    bytes.Buffer
	aborted bool
}

func (a *recorded) Header() http.Header { return a.header }

func (a *recorded) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // those below are not the answer yet
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *recorded) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *recorded) response(r *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK) // unless it was
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.sent,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
		Request:       r,
	}
}
