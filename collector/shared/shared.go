package shared

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// Redis is what replicas share. Make one with [Open].
type Redis struct {
	Log   *Log
	Lease *Lease

	client *redis.Client
	log    *slog.Logger
}

// Open checks the options. It connects to nothing.
func Open(o Options, log *slog.Logger) (*Redis, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	redis.SetLogger(libraryLog{log}) // it writes to standard error otherwise
	lease := newLease(client, log)
	return &Redis{Log: &Log{client: client, lease: lease}, Lease: lease, client: client, log: log}, nil
}

// Check holds that what Redis has is of this program, and says where it does not keep
// it safe.
func (r *Redis) Check(ctx context.Context) error { return check(ctx, r.client, r.log) }

// Close waits for events that are being written, and closes all connections.
func (r *Redis) Close() error {
	r.Log.flushers.Wait()
	return r.client.Close()
}

// libraryLog takes what the library logs, which is said by this program where it matters.
type libraryLog struct{ log *slog.Logger }

// Printf implements the library's interface.
func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "Redis' client says", "text", fmt.Sprintf(format, args...))
}
