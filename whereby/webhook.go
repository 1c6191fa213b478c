package whereby

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// SignatureHeader is the header of a webhook request that proves its origin:
// t=UNIX_SECONDS,v1=HEX.
const SignatureHeader = "Whereby-Signature"

// Errors of [Verifier.Verify]. Neither says anything about the secret.
var (
	// ErrSignature means that no secret gives one of the request's signatures, or
	// that it has none.
	ErrSignature = errors.New("the signature does not match")
	// ErrExpired means that a genuine request was signed too long ago, or in the
	// future: it may be a replay.
	ErrExpired = errors.New("the signature is too old or in the future")
)

// maxFuture is how far the sender's clock may be ahead.
const maxFuture = time.Minute

// Verifier checks that webhook requests come from Whereby. It is safe for concurrent
// use. https://docs.whereby.com/reference/webhooks
type Verifier struct {
	secrets atomic.Pointer[[]*signer] // replaced as a whole
	maxAge  time.Duration
}

// NewVerifier takes the secrets of a webhook, of which any may match, so that they
// can be rotated, and the age up to which a signature is accepted.
func NewVerifier(maxAge time.Duration, secrets ...string) (*Verifier, error) {
	if maxAge <= 0 {
		return nil, errors.New("the largest age of a signature must be above 0")
	}
	v := &Verifier{maxAge: maxAge}
	if err := v.Rotate(secrets...); err != nil {
		return nil, err
	}
	return v, nil
}

// Rotate puts other secrets in the place of all that were there. After an error those
// stay.
func (v *Verifier) Rotate(secrets ...string) error {
	if len(secrets) == 0 {
		return errors.New("no webhook secret is given")
	}
	replacement := make([]*signer, len(secrets))
	for i, secret := range secrets {
		if secret == "" {
			return errors.New("a webhook secret is empty")
		}
		replacement[i] = newSigner(secret)
	}
	v.secrets.Store(&replacement)
	return nil
}

// Verify checks the value of the header [SignatureHeader] against the body as it
// was received; an encoding of what was parsed from it would not be the same. It
// returns ErrSignature or ErrExpired, and takes the same time for every wrong
// signature.
func (v *Verifier) Verify(header string, body []byte, now time.Time) error {
	stamp, signatures := parseSignature(header)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(signatures) == 0 {
		return ErrSignature
	}
	genuine := false
	for _, secret := range *v.secrets.Load() {
		want := secret.sign(stamp, body)
		for _, signature := range signatures {
			// No early return: which secret matched is nobody's business.
			if hmac.Equal(signature, want) {
				genuine = true
			}
		}
	}
	if !genuine {
		return ErrSignature
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > v.maxAge || age < -maxFuture {
		return ErrExpired
	}
	return nil
}

// Sign returns the value of the header [SignatureHeader] for a body: what Whereby
// does, for tests and simulations.
func Sign(secret string, body []byte, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(newSigner(secret).sign(stamp, body))
}

// signer signs with one secret. It keeps what can be used for the next body too.
type signer struct{ macs sync.Pool }

func newSigner(secret string) *signer {
	key := []byte(secret)
	return &signer{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (s *signer) sign(stamp string, body []byte) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write([]byte(stamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// maxSignatures bounds the work that a forged header can cause.
const maxSignatures = 8

// parseSignature takes the header apart: elements in any order, blanks around
// them, several signatures, elements of other versions. A second time makes it
// invalid, as it is not said which one was signed.
func parseSignature(header string) (stamp string, signatures [][]byte) {
	for element := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(element, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "t":
			if stamp != "" {
				return "", nil
			}
			stamp = value
		case "v1":
			if len(signatures) == maxSignatures {
				return "", nil
			}
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				signatures = append(signatures, signature)
			}
		}
	}
	return stamp, signatures
}
