package whereby_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

func (s *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
	remaining := s.remaining
	if remaining == 0 {
		remaining = s.limit
	}
	body := fmt.Sprintf(`{"cursor":"c%d","results":[%s]}`, len(s.times), room)
	return &http.Response{
		StatusCode: 200,
		Header: http.Header{
			"X-Ratelimit-Limit":     {fmt.Sprint(s.limit)},
			"X-Ratelimit-Remaining": {fmt.Sprint(remaining)},
		},
		Body:    io.NopCloser(strings.NewReader(body)),
		Request: r,
	}, nil
}
