package shared

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// leaseTime is how long a lease lasts that is not renewed: so long nobody polls
	// after its holder is lost.
	leaseTime = 12 * time.Second
	// leaseMargin is how much earlier its holder gives it up by its own clock.
	leaseMargin = 2 * time.Second
	renewEvery  = 3 * time.Second
	seekEvery   = 2 * time.Second
)

// ErrNotLeading means that another replica has the lease, or nobody.
var ErrNotLeading = errors.New("this replica does not hold the lease to read Insights")

var (
	acquireScript = redis.NewScript(`
local held = redis.call('GET', KEYS[1])
if held then
  if string.sub(held, -#ARGV[1]) ~= ARGV[1] then return '' end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return held
end
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token`)
	renewScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)
	releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`)
)

// Lease lets one replica at a time lead.
type Lease struct {
	client *redis.Client
	holder string
	log    *slog.Logger
	now    atomic.Pointer[held]
	resign chan struct{}
}

// held is a lease that was had.
type held struct {
	token string
	until atomic.Int64 // in nanoseconds since began, which no clock sets back
	began time.Time
}

func (h *held) valid() bool { return h != nil && int64(time.Since(h.began)) < h.until.Load() }

func (h *held) extend(asked time.Time) {
	h.until.Store(int64(asked.Add(leaseTime - leaseMargin).Sub(h.began)))
}

func newLease(client *redis.Client, log *slog.Logger) *Lease {
	return &Lease{client: client, holder: rand.Text(), log: log, resign: make(chan struct{}, 1)}
}

// token is that of the lease, or "" where this replica does not hold it.
func (l *Lease) token() string {
	if h := l.now.Load(); h.valid() {
		return h.token
	}
	return ""
}

// Held tells whether this replica holds the lease.
func (l *Lease) Held() bool { return l.token() != "" }

// Resign gives the lease back, if it is held. It does not wait for lead to end.
func (l *Lease) Resign() {
	select {
	case l.resign <- struct{}{}:
	default:
	}
}

// Run seeks the lease until the context is done, and gives it back then. Each time it
// has it, it runs lead, with a context that ends when it has it no more.
func (l *Lease) Run(ctx context.Context, lead func(context.Context) error) error {
	for {
		l.seek(ctx)
		if err := l.hold(ctx, lead); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(seekEvery):
		}
	}
}

// seek tries once.
func (l *Lease) seek(ctx context.Context) {
	asked := time.Now()
	token, err := acquireScript.Run(ctx, l.client, []string{keys[keyLease], keys[keyEpoch]}, l.holder, leaseTime.Milliseconds()).Text()
	if err != nil || token == "" {
		l.now.Store(nil)
		return // whoever reads the log says that Redis is gone
	}
	h := &held{token: token, began: asked}
	h.extend(asked)
	l.now.Store(h)
}

// hold leads for as long as the lease is held, if it is.
func (l *Lease) hold(ctx context.Context, lead func(context.Context) error) error {
	h := l.now.Load()
	if !h.valid() {
		return nil
	}
	select {
	case <-l.resign: // that was of another time
	default:
	}
	l.log.Info("this replica reads Insights now")
	leading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- lead(leading) }()

	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	expiry := time.NewTimer(time.Duration(h.until.Load()))
	defer expiry.Stop()
	for {
		select {
		case err := <-done:
			l.give(h)
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-l.resign:
			defer l.give(h)
			return l.lost(ctx, stop, done)
		case <-expiry.C:
			if h.valid() {
				expiry.Reset(time.Duration(h.until.Load()) - time.Since(h.began))
				continue
			}
			return l.lost(ctx, stop, done)
		case <-ticker.C:
			asked := time.Now()
			renewed, err := renewScript.Run(ctx, l.client, []string{keys[keyLease]}, h.token, leaseTime.Milliseconds()).Int()
			switch {
			case err != nil: // perhaps it works next time; the expiry decides
			case renewed == 0:
				return l.lost(ctx, stop, done)
			default:
				h.extend(asked)
			}
		}
	}
}

// lost stops leading and waits for the end of it.
func (l *Lease) lost(ctx context.Context, stop context.CancelCauseFunc, done <-chan error) error {
	l.now.Store(nil)
	stop(ErrNotLeading)
	err := <-done
	if ctx.Err() == nil {
		l.log.Warn("this replica has lost the lease, and reads Insights no more")
	}
	if errors.Is(err, ErrNotLeading) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// give returns the lease, so that another replica need not wait for its end.
func (l *Lease) give(h *held) {
	l.now.Store(nil)
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	_ = releaseScript.Run(ctx, l.client, []string{keys[keyLease]}, h.token).Err()
}

var spendScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local t = redis.call('TIME')
redis.call('RPUSH', KEYS[2], t[1] .. string.format('%06d', t[2]) .. ' ' .. ARGV[2])
redis.call('LTRIM', KEYS[2], -4096, -1)
return 0`)

// Spend notes that a point is about to be spent, of so many that the organization has
// a minute. An error means that it must not be.
func (l *Lease) Spend(ctx context.Context, limit int) error {
	h := l.now.Load()
	if !h.valid() {
		return ErrNotLeading
	}
	answer, err := spendScript.Run(ctx, l.client, []string{keys[keyLease], keys[keyPoints]}, h.token, limit).Int()
	if err != nil {
		return err
	}
	// The answer may have been long on its way to a process that was paused.
	if answer < 0 || !h.valid() {
		return ErrNotLeading
	}
	return nil
}

// Spent gives when points were spent, by whoever had the lease, and the limit as it was
// known last.
func (l *Lease) Spent(ctx context.Context) (limit int, times []time.Time, err error) {
	list, err := l.client.LRange(ctx, keys[keyPoints], 0, -1).Result()
	if err != nil {
		return 0, nil, err
	}
	clock, err := l.client.Time(ctx).Result()
	if err != nil {
		return 0, nil, err
	}
	ahead := time.Since(clock)
	for _, point := range list {
		const digits = 16 // of a time in microseconds, until the year 2286
		if len(point) <= digits+1 {
			continue
		}
		at, _ := strconv.ParseInt(point[:digits], 10, 64)
		limit, _ = strconv.Atoi(point[digits+1:])
		times = append(times, time.UnixMicro(at).Add(ahead))
	}
	return limit, times, nil
}
