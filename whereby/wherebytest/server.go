package wherebytest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a request gets, or what goes wrong instead.
type answer struct {
	status int
	header http.Header
	body   []byte

	hang  bool          // no answer until the request is given up
	drop  bool          // the connection breaks before the answer
	reset bool          // the connection breaks in the middle of the body
	slow  time.Duration // how long the body takes
}

// answer decides what a request gets. It does not block.
func (a *Account) answer(r *http.Request) *answer {
	arrived := time.Now()
	a.mu.Lock()
	a.requests.total++
	n, hook := a.requests.total, a.hook
	a.mu.Unlock()
	if hook != nil {
		hook(n, r)
	}

	now := a.lock()
	defer a.mu.Unlock()
	a.points.arrive(arrived)
	endpoint := endpointOf(r.URL.Path)
	q, invalid := parse(r, endpoint)
	logged := Request{Time: arrived, Endpoint: endpoint, Query: q.values, Page: q.cursor.page}
	ans := a.decide(r, q, invalid, &logged, now)
	logged.Status = ans.status
	if ans.hang || ans.drop {
		logged.Status = 0
	}
	a.requests.add(logged)
	return ans
}

func (a *Account) decide(r *http.Request, q *query, invalid error, logged *Request, now int64) *answer {
	switch {
	case q.endpoint == "":
		return a.refuse(http.StatusNotFound, "Not found")
	case r.Method != http.MethodGet:
		ans := a.refuse(http.StatusMethodNotAllowed, "Method not allowed")
		ans.header.Set("Allow", http.MethodGet)
		return ans
	case !a.authorized(r):
		ans := a.refuse(http.StatusUnauthorized, "Access token is missing or invalid")
		ans.header.Set("WWW-Authenticate", "Bearer")
		return ans
	}
	cost := a.cost(q, invalid, now)
	if a.charge(logged, cost); logged.Refused {
		return a.throttled(a.points.wait(cost))
	}
	return a.withFaults(q, invalid, now)
}

// cost returns the points that a request costs.
func (a *Account) cost(q *query, invalid error, now int64) int {
	if a.cfg.Cost == nil {
		return 1
	}
	rows := 0
	if invalid == nil {
		a.body(q, now)
		rows = q.rows
	}
	return max(0, a.cfg.Cost(q.endpoint, rows, a.points.at))
}

// charge spends the cost of a request, or refuses it.
func (a *Account) charge(r *Request, cost int) {
	r.Cost = cost
	if !a.points.take(cost) {
		r.Refused, r.Cost = true, a.cfg.RefusalCost
		a.points.model.spend(a.points.at, r.Cost)
	}
}

func (a *Account) withFaults(q *query, invalid error, now int64) *answer {
	var ans *answer
	faults := a.faultsFor(q)
	for _, f := range faults {
		if f.ask != nil {
			f.ask(q)
		}
		if f.replace != nil {
			ans = f.replace(a, q)
		}
	}
	rows := false
	switch {
	case ans != nil:
	case invalid != nil:
		message, _, _ := strings.Cut(invalid.Error(), "\n")
		ans = a.refuse(http.StatusBadRequest, message)
	case a.recordingsRefused(q) != 0:
		status := a.recordingsRefused(q)
		ans = a.refuse(status, http.StatusText(status))
	case a.sessionsRefused(q) != 0:
		status := a.sessionsRefused(q)
		ans = a.refuse(status, http.StatusText(status))
	case q.endpoint == EndpointTranscriptions && a.transcriptionsRefused() != 0:
		status := a.transcriptionsRefused()
		ans = a.refuse(status, http.StatusText(status))
	default:
		ans = a.reply(http.StatusOK, a.body(q, now))
		a.spoilOddRows(q, ans)
		a.spoilTranscriptions(q, ans)
		a.move(q, now)
		a.moveTranscriptions(q, now)
		a.moveRecordings(q, now)
		rows = true
	}
	for _, f := range faults {
		if f.spoil != nil && (rows || f.kind == changesAny) {
			f.spoil(q, ans)
		}
	}
	return ans
}

// endpointOf finds the endpoint whatever the path of the API is.
func endpointOf(path string) string {
	if strings.HasSuffix(path, "/"+EndpointTranscriptions) {
		return EndpointTranscriptions
	}
	if strings.HasSuffix(path, "/"+EndpointRecordings) {
		return EndpointRecordings
	}
	_, endpoint, ok := cutLast(path, "/insights/")
	if !ok {
		return ""
	}
	switch endpoint {
	case EndpointRooms, EndpointRoomSessions, EndpointParticipants, EndpointParticipant:
		return endpoint
	}
	return ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (a *Account) authorized(r *http.Request) bool {
	// Hashed, so that the comparison does not tell the length either.
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	want := sha256.Sum256([]byte("Bearer " + a.cfg.APIKey))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// reply makes an answer of JSON with the headers that every answer has.
func (a *Account) reply(status int, body []byte) *answer {
	ans := &answer{status: status, header: make(http.Header), body: body}
	ans.header.Set("Content-Type", "application/json; charset=utf-8")
	a.points.setHeaders(ans.header)
	if a.cfg.ResetAlways {
		setReset(ans.header, a.points.model.reset(a.points.at))
	}
	return ans
}

func (a *Account) refuse(status int, message string) *answer {
	return a.reply(status, errorBody(message, nil))
}

// throttled says to wait in every way the API is known to.
func (a *Account) throttled(wait time.Duration) *answer {
	ms := (wait + time.Millisecond - time.Nanosecond).Milliseconds()
	ans := a.reply(http.StatusTooManyRequests, errorBody("Rate limit active for throttle key: organization:1", &ms))
	ans.header.Set("Retry-After", seconds(wait))
	setReset(ans.header, a.points.at.Add(wait))
	return ans
}

// seconds is how the header Retry-After writes a wait.
func seconds(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}

func errorBody(message string, msLeft *int64) []byte {
	type data struct {
		MsLeft int64 `json:"msLeft"`
	}
	answer := struct {
		Error string `json:"error"`
		Data  *data  `json:"data,omitempty"`
	}{Error: message}
	if msLeft != nil {
		answer.Data = &data{*msLeft}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	return body
}

// ServeHTTP responds under any base path: only the end of the path counts, /insights/ and an
// endpoint, or /transcriptions or /recordings.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ans := a.answer(r)
	switch {
	case ans.hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case ans.drop:
		panic(http.ErrAbortHandler)
	}
	for name, values := range ans.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(ans.body)))
	w.WriteHeader(ans.status)
	control := http.NewResponseController(w)
	pieces := ans.pieces()
	for i, piece := range pieces {
		if ans.slow > 0 && !sleep(r.Context(), ans.slow/time.Duration(len(pieces))) {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(piece); err != nil {
			return
		}
		if i+1 < len(pieces) || ans.reset {
			// An error means that nobody listens any more, as the next write will show.
			_ = control.Flush()
		}
	}
	if ans.reset {
		panic(http.ErrAbortHandler)
	}
}

// pieces cuts the body into what is sent at a time.
func (ans *answer) pieces() [][]byte {
	body := ans.body
	if ans.reset {
		body = body[:len(body)/2]
	}
	n := 1
	if ans.slow > 0 {
		n = 10
	}
	pieces := make([][]byte, 0, n)
	for i := range n {
		pieces = append(pieces, body[len(body)*i/n:len(body)*(i+1)/n])
	}
	return pieces
}
