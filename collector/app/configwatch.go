package app

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"time"
)

const (
	// configInterval is how long a change of the configuration file may go unseen.
	configInterval = secretsInterval
	// settleTime is how long a file must stay as it is before it is read: an editor that
	// writes into it empties it first, and an empty file is a valid one.
	settleTime = 200 * time.Millisecond
)

// look reloads if the file has changed. It compares what is in the file, so it sees
// what replaces it, and what the links to it lead to, as in a ConfigMap of Kubernetes.
// A mistake is logged once, and again only after the file has changed again.
func (r *reloader) look(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := fingerprint(r.file)
	if now == r.seen {
		return
	}
	settled := time.NewTimer(settleTime)
	defer settled.Stop()
	select {
	case <-ctx.Done():
		return
	case <-settled.C:
	}
	if fingerprint(r.file) == now { // else it is left to the next look
		_ = r.again() // it is logged and in a metric
	}
}

// fingerprint is equal for equal files, and for equal reasons why there is none.
func fingerprint(path string) string {
	if path == "" {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	if !info.Mode().IsRegular() {
		return info.Mode().Type().String() // which might block
	}
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	hash := sha256.New()
	// Beyond that, a file is too large whatever is in it.
	if _, err := io.Copy(hash, io.LimitReader(file, 16<<20)); err != nil {
		return err.Error()
	}
	return string(hash.Sum(nil))
}
