package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

const redisPassword = "planted-redis-password"

// redisServer is a real one that keeps what it acknowledges.
type redisServer struct {
	*process
	t       testing.TB
	dir     string
	address string
}

func startRedis(t testing.TB) *redisServer {
	t.Helper()
	programs.Need(t, "redis-server")
	r := &redisServer{t: t, dir: t.TempDir(), address: freeAddress(t)}
	r.start()
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	_, port, _ := net.SplitHostPort(r.address)
	r.process = start(r.t, nil, "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--requirepass", redisPassword,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "")
	programs.Eventually(r.t, time.Minute, "Redis answers", func() error {
		client := r.client()
		defer client.Close()
		return client.Ping(r.t.Context()).Err()
	})
}

func (r *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: r.address, Password: redisPassword})
}

// wire is a connection to Redis that can be cut.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: to, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.sever(true)
		wg.Wait()
	})
	return w
}

func (w *wire) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	w.mu.Lock()
	if w.cut {
		w.mu.Unlock()
		return
	}
	w.conns[near], w.conns[far] = true, true
	w.mu.Unlock()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close()
			way[1].Close()
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	w.mu.Lock()
	delete(w.conns, near)
	delete(w.conns, far)
	w.mu.Unlock()
}

// sever cuts all connections, or lets new ones through again.
func (w *wire) sever(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for conn := range w.conns {
		if cut {
			conn.Close()
		}
	}
}

// replica is an exporter that shares a Redis with others.
type replica struct {
	receiver
	wire *wire
	name string
	args []string
	api  string
}

func startReplica(t testing.TB, name, api string, r *redisServer, args ...string) *replica {
	t.Helper()
	e := &replica{
		receiver: receiver{exporter{base: "http://" + freeAddress(t)}, freeAddress(t)},
		wire:     newWire(t, r.address), name: name, args: args, api: api,
	}
	e.start(t)
	return e
}

func (e *replica) start(t testing.TB) {
	t.Helper()
	p := start(t, []string{
		"WHEREBY_API_KEY=" + apiKey, "WHEREBY_WEBHOOK_SECRET=" + webhookSecret,
		"WHEREBY_EXPORTER_STORAGE_REDIS_URL=redis://:" + redisPassword + "@" + e.wire.listener.Addr().String() + "/3",
	}, build(t, programs.Exporter), append([]string{
		"run", "--whereby.url=" + e.api, "--web.listen-address=" + strings.TrimPrefix(e.base, "http://"), "--webhook.listen-address=" + e.webhook,
		"--poll.interval=1s", "--poll.full-scan-interval=5s", "--log.level=debug",
	}, e.args...)...)
	e.process = p
	t.Cleanup(func() {
		if strings.Contains(p.out.String(), redisPassword) {
			t.Error("the exporter printed Redis' password")
		}
	})
}

func (e *replica) leads() bool {
	samples, err := e.metrics()
	return err == nil && samples["whereby_exporter_leader"] == 1
}

// oneLeads waits until one of two replicas does, and returns that one first.
func oneLeads(t testing.TB, within time.Duration, a, b *replica) (leader, other *replica) {
	t.Helper()
	programs.Eventually(t, within, "one replica leads", func() error {
		switch first, second := a.leads(), b.leads(); {
		case first && second:
			return errors.New("both do")
		case first:
			leader, other = a, b
		case second:
			leader, other = b, a
		default:
			return errors.New("none does")
		}
		return nil
	})
	return leader, other
}

// figures are the samples that replicas must agree on.
func figures(samples map[string]float64) map[string]float64 {
	same := map[string]float64{}
	for series, value := range samples {
		name, _, _ := strings.Cut(series, "{")
		switch {
		case strings.HasPrefix(name, "whereby_exporter_"), strings.HasPrefix(name, "go_"), strings.HasPrefix(name, "process_"),
			strings.HasPrefix(name, "promhttp_"), strings.HasSuffix(name, "_bucket"), strings.HasSuffix(name, "_sum"), strings.HasSuffix(name, "_count"),
			name == "whereby_webhook_rejected_total":
			continue
		}
		same[series] = value
	}
	return same
}

// agree waits until both replicas show the same, but for some families, and what the
// account knows.
func agree(t *testing.T, account *wherebytest.Account, a, b *replica, but ...string) {
	t.Helper()
	programs.Eventually(t, 60*time.Second, "both replicas show the same", func() error {
		first, err := a.metrics()
		if err != nil {
			return err
		}
		second, err := b.metrics()
		if err != nil {
			return err
		}
		one, two := figures(first), figures(second)
		for series, value := range one {
			tolerated := 0.0
			if series == "whereby_webhook_last_event_timestamp_seconds" {
				tolerated = 1 // each takes it from its own clock
			}
			name, _, _ := strings.Cut(series, "{")
			if other, ok := two[series]; !slices.Contains(but, name) && (!ok || math.Abs(other-value) > tolerated) {
				return fmt.Errorf("%s is %v and %v", series, value, other)
			}
		}
		if len(one) != len(two) {
			return fmt.Errorf("%d series and %d", len(one), len(two))
		}
		return nil
	})
	truth(t, a.exporter, account)
	truth(t, b.exporter, account)
}

// TestTwoReplicasShowTheSame delivers events to either, and kills the one that polls.
func TestTwoReplicasShowTheSame(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	for i := range 300 {
		room := fmt.Sprintf("/%s-%08d-c686-423d-9043-9b7a10c553fd", []string{"acme", "globex", "initech"}[i%3], i)
		account.AddRoom(wherebytest.Room{Name: room})
		account.Use(room, wherebytest.Totals{Sessions: 2, ParticipantMinutes: int64(i + 7)}, time.Now().Add(-time.Hour))
	}
	const met = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	account.AddRoom(wherebytest.Room{Name: met})
	account.Schedule(met, wherebytest.Session{
		Start: time.Now().Add(-2 * time.Hour), End: time.Now().Add(-time.Hour), Participants: make([]wherebytest.Participant, 4),
	})
	r := startRedis(t)
	a, b := startReplica(t, "a", api, r), startReplica(t, "b", api, r)
	leader, other := oneLeads(t, 30*time.Second, a, b)
	client := &http.Client{}
	for i := range 100 {
		to := []*replica{a, b}[i%2]
		programs.Eventually(t, time.Minute, "an event is taken", func() error {
			if status := deliver(client, to.webhook, joined(fmt.Sprint("e", i), fmt.Sprintf("/acme-%d", i%10), 1+i/10)); status != http.StatusNoContent {
				return fmt.Errorf("%s answers %d", to.name, status)
			}
			return nil
		})
	}
	agree(t, account, a, b)
	sampled := map[string]float64{`whereby_quality_participants_total{room_prefix="acme-",state="sampled"}`: 4}
	a.expect(3*time.Minute, sampled) // a request for each of 300 rooms goes before
	b.expect(time.Minute, sampled)
	events := map[string]float64{`whereby_webhook_events_total{type="room.client.joined"}`: 100, `whereby_live_participants{room_prefix="_none"}`: 100}
	a.expect(time.Minute, events)
	b.expect(time.Minute, events)
	if samples, err := other.metrics(); err != nil || samples[`whereby_exporter_api_requests_total{code="200",endpoint="rooms"}`] != 0 {
		t.Errorf("the replica that does not lead polls: %v, %v", samples[`whereby_exporter_api_requests_total{code="200",endpoint="rooms"}`], err)
	}

	leader.kill()
	began := time.Now()
	programs.Eventually(t, 30*time.Second, "the other one leads", func() error {
		if !other.leads() {
			return errors.New("it does not")
		}
		return nil
	})
	t.Logf("the other replica led after %v", time.Since(began).Round(100*time.Millisecond))
	account.Use("/acme-00000000-c686-423d-9043-9b7a10c553fd", wherebytest.Totals{Sessions: 1, ParticipantMinutes: 99}, time.Now())
	truth(t, other.exporter, account)
	leader.start(t)
	agree(t, account, a, b)
	a.expect(time.Minute, sampled)
	b.expect(time.Minute, sampled)
	a.expect(time.Minute, events)
	b.expect(time.Minute, events)
	if took := other.stop(); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	began = time.Now()
	programs.Eventually(t, time.Minute, "the first one leads again", func() error {
		if !leader.leads() {
			return errors.New("it does not")
		}
		return nil
	})
	// Where the lease has to end by itself, it takes 10 s or more.
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("after an orderly stop it took %v until the other replica led", took)
	}
}

// TestReplicasWithoutRedisServeWhatTheyKnow takes Redis away and gives it back.
func TestReplicasWithoutRedisServeWhatTheyKnow(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	const room = "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd"
	account.AddRoom(wherebytest.Room{Name: room})
	account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 5}, time.Now().Add(-time.Hour))
	r := startRedis(t)
	a, b := startReplica(t, "a", api, r), startReplica(t, "b", api, r)
	oneLeads(t, 30*time.Second, a, b)
	client := &http.Client{}
	if status := deliver(client, a.webhook, joined("e1", "/acme-1", 1)); status != http.StatusNoContent {
		t.Fatalf("an event was answered with %d", status)
	}
	agree(t, account, a, b)

	r.kill()
	for _, e := range []*replica{a, b} {
		began := time.Now()
		if status := deliver(client, e.webhook, joined("e2", "/acme-1", 2)); status != http.StatusServiceUnavailable {
			t.Errorf("without Redis, %s answers %d", e.name, status)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v to say that it can't take an event", e.name, took)
		}
		e.expect(time.Minute, map[string]float64{
			`whereby_participant_minutes_total{room_prefix="acme-"}`: 5, `whereby_live_participants{room_prefix="_none"}`: 1, "whereby_exporter_shared_state_current": 0,
		})
	}
	programs.Eventually(t, time.Minute, "nobody leads", func() error {
		if a.leads() || b.leads() {
			return errors.New("somebody does")
		}
		return nil
	})
	account.ResetRequests()
	account.Use(room, wherebytest.Totals{Sessions: 1, ParticipantMinutes: 3}, time.Now())
	if n := len(account.Requests()); n > 0 {
		t.Errorf("%d requests while nobody leads", n)
	}
	r.start()
	for i, e := range []*replica{a, b} {
		programs.Eventually(t, time.Minute, "events are taken again", func() error {
			if status := deliver(client, e.webhook, joined("e2", "/acme-1", 2)); status != http.StatusNoContent {
				return fmt.Errorf("%d: %d", i, status)
			}
			return nil
		})
	}
	agree(t, account, a, b)
	want := map[string]float64{
		`whereby_participant_minutes_total{room_prefix="acme-"}`: 8, `whereby_live_participants{room_prefix="_none"}`: 2,
		`whereby_webhook_events_total{type="room.client.joined"}`: 2, "whereby_exporter_shared_state_current": 1,
	}
	a.expect(time.Minute, want)
	b.expect(time.Minute, want)
}

// TestReplicasFillARedisThatHasLostEverything empties Redis below two replicas, and starts
// another one from what they put into it.
func TestReplicasFillARedisThatHasLostEverything(t *testing.T) {
	t.Parallel()
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: unlimited})
	for i := range 1500 {
		room := fmt.Sprintf("/%s-%08d-c686-423d-9043-9b7a10c553fd", []string{"acme", "globex", "initech"}[i%3], i)
		account.AddRoom(wherebytest.Room{Name: room})
		account.Use(room, wherebytest.Totals{Sessions: 2, ParticipantMinutes: int64(i + 7)}, time.Now().Add(-time.Hour))
	}
	r := startRedis(t)
	a, b := startReplica(t, "a", api, r), startReplica(t, "b", api, r)
	oneLeads(t, 30*time.Second, a, b)
	client := &http.Client{}
	if status := deliver(client, a.webhook, joined("e1", "/acme-1", 3)); status != http.StatusNoContent {
		t.Fatalf("an event was answered with %d", status)
	}
	agree(t, account, a, b)
	known := map[string]float64{`whereby_webhook_events_total{type="room.client.joined"}`: 1}
	a.expect(time.Minute, known)
	b.expect(time.Minute, known)
	account.Delete("/acme-00000000-c686-423d-9043-9b7a10c553fd") // nobody but the replicas knows what it had

	admin := redis.NewClient(&redis.Options{Addr: r.address, Password: redisPassword, DB: 3})
	defer admin.Close()
	if err := admin.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	// Nobody can have noticed yet.
	if status := deliver(client, b.webhook, joined("e2", "/acme-1", 4)); status != http.StatusNoContent {
		t.Fatalf("an event was answered with %d", status)
	}
	programs.Eventually(t, time.Minute, "Redis is filled again", func() error {
		rooms, err := admin.HLen(t.Context(), "{whereby_exporter}:rooms").Result()
		if err == nil && rooms != 1500 {
			err = fmt.Errorf("%d rooms", rooms)
		}
		return err
	})
	oneLeads(t, 30*time.Second, a, b)
	if status := deliver(client, a.webhook, joined("e3", "/acme-1", 5)); status != http.StatusNoContent {
		t.Fatalf("an event was answered with %d", status)
	}
	want := map[string]float64{`whereby_live_participants{room_prefix="_none"}`: 5, `whereby_webhook_events_total{type="room.client.joined"}`: 3}
	a.expect(time.Minute, want)
	b.expect(time.Minute, want)
	agree(t, account, a, b)
	programs.Eventually(t, time.Minute, "the live state is kept", func() error {
		n, err := admin.Exists(t.Context(), "{whereby_exporter}:live").Result()
		if err == nil && n == 0 {
			err = errors.New("it is not")
		}
		return err
	})
	c := startReplica(t, "c", api, r)
	c.expect(time.Minute, want)
	agree(t, account, a, c)
}

// chaosTime is how long replicas are tormented: half a minute, or what the variable says.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(os.Getenv("REPLICAS_CHAOS"))
	if err != nil {
		return 40 * time.Second
	}
	return d
}

// TestReplicasSurviveWhateverHappens kills replicas and Redis, pauses them and cuts their
// connections at random, while events come in and rooms are used.
func TestReplicasSurviveWhateverHappens(t *testing.T) {
	t.Parallel()
	const pointsPerMinute = 160 // of which a quarter may be spent, less than polls every second want
	account, api := newAccount(t, wherebytest.Config{PointsPerMinute: pointsPerMinute})
	rooms := make([]string, 60)
	for i := range rooms {
		rooms[i] = fmt.Sprintf("/%s-%08d-c686-423d-9043-9b7a10c553fd", []string{"acme", "globex", "initech"}[i%3], i)
		account.AddRoom(wherebytest.Room{Name: rooms[i]})
		account.Use(rooms[i], wherebytest.Totals{Sessions: 1, ParticipantMinutes: int64(i + 7)}, time.Now().Add(-time.Hour))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	r := startRedis(t)
	a, b := startReplica(t, "a", api, r), startReplica(t, "b", api, r)
	oneLeads(t, 30*time.Second, a, b)

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	watch := &logWatch{t: t, r: r}
	wg.Go(func() { watch.run(ctx) })
	for _, e := range []*replica{a, b} {
		wg.Go(func() { neverFalls(ctx, t, e) })
	}
	var acknowledged atomic.Int64
	loading, stopLoad := context.WithCancel(ctx)
	var load sync.WaitGroup
	for worker := range 4 {
		load.Go(func() {
			client := &http.Client{Timeout: 6 * time.Second}
			for i := 0; loading.Err() == nil; i++ {
				body := joined(fmt.Sprintf("w%d-%d", worker, i), fmt.Sprintf("/acme-load%d", worker), 1+i%50)
				// Whereby sends it again until somebody has taken it.
				for try := worker + i; deliver(client, []*replica{a, b}[try%2].webhook, body) != http.StatusNoContent; try++ {
					if ctx.Err() != nil {
						return
					}
				}
				acknowledged.Add(1)
			}
		})
	}

	end := time.Now().Add(chaosTime(t))
	var done []string
	for time.Now().Before(end) {
		account.Use(rooms[random.IntN(len(rooms))], wherebytest.Totals{Sessions: 1, ParticipantMinutes: int64(1 + random.IntN(9))}, time.Now())
		e := []*replica{a, b}[random.IntN(2)]
		pause := time.Duration(1+random.IntN(8)) * time.Second
		what := random.IntN(5)
		done = append(done, []string{"kill ", "pause ", "long pause ", "cut ", "Redis "}[what]+e.name)
		switch what {
		case 0:
			e.kill()
			wait(ctx, pause)
			e.start(t)
		case 1, 2: // longer than the lease lasts, or not
			if what == 2 {
				pause += 12 * time.Second
			}
			_ = e.cmd.Process.Signal(syscall.SIGSTOP)
			wait(ctx, pause)
			_ = e.cmd.Process.Signal(syscall.SIGCONT)
		case 3:
			e.wire.sever(true)
			wait(ctx, pause)
			e.wire.sever(false)
		case 4:
			r.kill()
			wait(ctx, pause)
			r.start()
		}
		wait(ctx, time.Duration(random.IntN(4000))*time.Millisecond)
	}
	t.Logf("%d times: %s", len(done), strings.Join(done, ", "))
	stopLoad()
	load.Wait()
	want := map[string]float64{`whereby_webhook_events_total{type="room.client.joined"}`: float64(acknowledged.Load())}
	t.Logf("%v events were acknowledged", acknowledged.Load())
	oneLeads(t, 60*time.Second, a, b)
	a.expect(time.Minute, want)
	b.expect(time.Minute, want)
	// The rooms of the load are none of the account's, so what is pending of them is never
	// settled, and a replica that started later reckons it from its own start.
	agree(t, account, a, b, "whereby_live_participant_minutes_pending")
	stop()
	wg.Wait()
	watch.check()
	neverOverspent(t, account, pointsPerMinute/4)
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// neverFalls scrapes a replica whenever it answers, over restarts too.
func neverFalls(ctx context.Context, t *testing.T, e *replica) {
	highest := map[string]float64{}
	for ctx.Err() == nil {
		wait(ctx, 200*time.Millisecond)
		status, body, err := get(ctx, e.base+"/metrics")
		if err != nil || status != http.StatusOK {
			continue
		}
		for line := range strings.Lines(body) {
			series, text, ok := strings.Cut(strings.TrimSpace(line), " ")
			name, _, _ := strings.Cut(series, "{")
			if !ok || !strings.HasSuffix(name, "_total") || strings.HasPrefix(name, "whereby_exporter_") || !strings.HasPrefix(name, "whereby_") || name == "whereby_webhook_rejected_total" {
				continue
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if value < highest[series] {
				t.Errorf("%s of %s fell from %v to %v", series, e.name, highest[series], value)
			}
			highest[series] = max(highest[series], value)
		}
	}
}

// logWatch reads what the replicas write: no term may write once a later one has.
type logWatch struct {
	t     *testing.T
	r     *redisServer
	last  string
	epoch int
	terms map[int]int
	n     int
}

func (w *logWatch) run(ctx context.Context) {
	client := redis.NewClient(&redis.Options{Addr: w.r.address, Password: redisPassword, DB: 3})
	defer client.Close()
	w.last, w.terms = "0", map[int]int{}
	for ctx.Err() == nil {
		streams, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{"{whereby_exporter}:log", w.last}, Block: time.Second}).Result()
		if err != nil {
			wait(ctx, 100*time.Millisecond)
			continue
		}
		for _, m := range streams[0].Messages {
			w.last = m.ID
			w.n++
			token, _, written := strings.Cut(m.Values["i"].(string), ":")
			if !written {
				continue // an event
			}
			epoch, err := strconv.Atoi(token)
			if err != nil {
				w.t.Errorf("entry %s is written by %q", m.ID, m.Values["i"])
			}
			if epoch < w.epoch {
				w.t.Errorf("entry %s is written by term %d after term %d had begun", m.ID, epoch, w.epoch)
			}
			w.epoch = max(w.epoch, epoch)
			w.terms[epoch]++
		}
	}
}

func (w *logWatch) check() {
	w.t.Logf("%d entries in the log, by %d terms: %v", w.n, len(w.terms), w.terms)
	if len(w.terms) == 0 {
		w.t.Error("nobody wrote anything")
	}
}

// neverOverspent counts requests in every minute, whoever made them.
func neverOverspent(t *testing.T, account *wherebytest.Account, allowed int) {
	t.Helper()
	requests := account.Requests()
	most := 0
	for i, first := 0, 0; i < len(requests); i++ {
		for requests[i].Time.Sub(requests[first].Time) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	t.Logf("%d requests, at most %d in a minute, of %d allowed", len(requests), most, allowed)
	if most > allowed {
		t.Errorf("%d requests in a minute, and %d are allowed", most, allowed)
	}
}
