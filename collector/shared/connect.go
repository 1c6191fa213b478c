package shared

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// format counts the incompatible changes of what is kept in Redis.
const format = "1"

const (
	// dialTimeout and answerTimeout bound how long a webhook waits for a Redis that is
	// gone: Whereby gives up after 5 s.
	dialTimeout   = time.Second
	answerTimeout = 2 * time.Second
)

// Options say where Redis is.
type Options struct {
	// URL is redis://, rediss:// for TLS, or unix://; a number in its path is that of the
	// database.
	URL string
	// Password, where not nil, gives the password for each new connection, so that a
	// rotation needs no restart. It goes before that of the URL.
	Password func() (string, error)
	// CAFile holds the certificates that the server's is checked against; "" stands for
	// those of the system.
	CAFile string
}

// client checks the options. It connects to nothing.
func (o Options) client() (*redis.Client, error) {
	parsed, err := redis.ParseURL(o.URL)
	if err != nil {
		// What it says of the address may hold a password.
		return nil, errors.New("must be an address such as redis://redis:6379/0, or rediss://… for TLS")
	}
	parsed.MaxRetries = -1 // what is asked again, and what is not, is decided here
	parsed.DialTimeout, parsed.ReadTimeout, parsed.WriteTimeout = dialTimeout, answerTimeout, answerTimeout
	parsed.ContextTimeoutEnabled = true
	if o.Password != nil {
		user := parsed.Username
		parsed.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := o.Password()
			return user, password, err
		}
	}
	if o.CAFile != "" {
		if parsed.TLSConfig == nil {
			return nil, errors.New("must begin with rediss:// where there is a CA file")
		}
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the CA file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", o.CAFile)
		}
		parsed.TLSConfig.RootCAs = pool
		parsed.TLSConfig.MinVersion = tls.VersionTLS12
	}
	return redis.NewClient(parsed), nil
}

// check holds that what Redis has is ours, and tells if it does not keep it safe.
func check(ctx context.Context, client *redis.Client, log *slog.Logger) error {
	if err := client.SetNX(ctx, keys[keyFormat], format, 0).Err(); err != nil {
		return err
	}
	found, err := client.Get(ctx, keys[keyFormat]).Result()
	if err != nil {
		return err
	}
	if found != format {
		return fmt.Errorf("what Redis keeps is of format %s and this program knows format %s; run the newer version", found, format)
	}
	settings, err := client.ConfigGet(ctx, "append*").Result()
	switch {
	case err != nil:
		log.Info("Redis does not tell how it writes to disk; see to it that it has appendonly yes and appendfsync always", "err", err)
	case settings["appendonly"] != "yes" || settings["appendfsync"] != "always":
		log.Warn("Redis may lose acknowledged events when it is killed; set appendonly yes and appendfsync always",
			"appendonly", settings["appendonly"], "appendfsync", settings["appendfsync"])
	}
	policy, err := client.ConfigGet(ctx, "maxmemory-policy").Result()
	if err == nil && policy["maxmemory-policy"] != "" && policy["maxmemory-policy"] != "noeviction" {
		log.Warn("Redis may evict what the exporter keeps; set maxmemory-policy noeviction", "policy", policy["maxmemory-policy"])
	}
	return nil
}

// The keys in Redis. The braces put all of them into one slot of a cluster.
const (
	keyLease = iota
	keyEpoch
	keyNumber
	keyLog
	keyDone
	keyRooms
	keyPrefixes
	keyState
	keyPresent
	keyQuality
	keyPoll
	keyLive
	keyPoints
	keyFormat
)

var keys = func() []string {
	names := strings.Fields("lease epoch number log done rooms prefixes state present quality poll live points format")
	for i, name := range names {
		names[i] = "{whereby_exporter}:" + name
	}
	return names
}()
