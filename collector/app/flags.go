package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/version"

	"whereby_exporter/whereby"
)

// keyVariable is the environment variable that holds the API key. There is no
// flag for it: flags show in process lists.
const keyVariable = "WHEREBY_API_KEY"

// Whereby are the flags on Whereby's API.
type Whereby struct {
	URL            string  `name:"url" default:"https://api.whereby.dev/v1" placeholder:"URL" help:"Address of Whereby's API (${default})."`
	APIKeyFile     string  `name:"api-key-file" placeholder:"FILE" help:"File that holds the API key. It is read for every request, so the key can be rotated. Alternatively, set WHEREBY_API_KEY to the key itself."`
	ReadCost       *int    `name:"read-cost" placeholder:"POINTS" help:"Points that a read costs, 1 to 10. Without it, the exporter learns the cost from Whereby's responses."`
	RateLimitShare float64 `name:"rate-limit-share" default:"0.25" placeholder:"SHARE" help:"Largest share of the organization's points per minute to spend, above 0 and at most 1 (${default})."`
}

// Poll are the flags on polling.
type Poll struct {
	Interval         time.Duration `default:"1m" placeholder:"DURATION" help:"Time between polls, at least 1s (${default})."`
	FullPollInterval time.Duration `name:"full-scan-interval" default:"6h" placeholder:"DURATION" help:"Longest time between full polls of the account (${default})."`
}

// Storage is where state is kept.
type Storage struct {
	Path        string `default:"data/" placeholder:"DIR" help:"Directory of the store. If empty, state is kept in memory only (${default})."`
	RestoreFrom string `placeholder:"FILE" help:"Backup to start from if --storage.path holds no store, written by the backup command. Ignored otherwise."`
}

// validate checks the flags that need no file.
func (w Whereby) validate() error {
	u, err := url.Parse(w.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		// The value is not repeated: it may hold a password, or be the API key.
		return errors.New("--whereby.url: must be an address such as " + whereby.DefaultBaseURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("--whereby.url: must not contain a user, query or fragment; put the API key into " + keyVariable + " or --whereby.api-key-file")
	}
	if _, err := whereby.NewBudget(w.RateLimitShare); err != nil {
		return fmt.Errorf("--whereby.rate-limit-share=%v: must be above 0 and at most 1", w.RateLimitShare)
	}
	if c := w.ReadCost; c != nil && (*c < 1 || *c > whereby.MaxReadCost) {
		return fmt.Errorf("--whereby.read-cost=%d: must be 1 to %d", *c, whereby.MaxReadCost)
	}
	return nil
}

func (s Storage) validate() error {
	if s.RestoreFrom != "" && s.Path == "" {
		return errors.New("--storage.restore-from needs --storage.path: a backup is restored into a directory")
	}
	return nil
}

func (p Poll) validate() error {
	if p.Interval < time.Second {
		return fmt.Errorf("--poll.interval=%v: must be at least 1s", p.Interval)
	}
	if p.FullPollInterval < p.Interval {
		return fmt.Errorf("--poll.full-scan-interval=%v: must be at least --poll.interval=%v", p.FullPollInterval, p.Interval)
	}
	return nil
}

// key finds the API key, and reads it once so that a mistake shows at the start.
func (w Whereby) key(getenv func(string) string) (whereby.KeyFunc, error) {
	if w.APIKeyFile == "" {
		key := strings.TrimSpace(getenv(keyVariable))
		if key == "" {
			return nil, fmt.Errorf("no API key: set %s, or --whereby.api-key-file=FILE; to try the exporter without a key, run: whereby_exporter demo", keyVariable)
		}
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("%s: %w", keyVariable, err)
		}
		return whereby.StaticKey(key), nil
	}
	read := func() (string, error) { return readKey(w.APIKeyFile) }
	if _, err := read(); err != nil {
		return nil, fmt.Errorf("--whereby.api-key-file: %w", err)
	}
	return read, nil
}

func readKey(file string) (string, error) {
	key, err := readSecret(file, "an API key")
	if err != nil {
		return "", err
	}
	if err := checkKey(key); err != nil {
		return "", fmt.Errorf("file %q: %w", file, err)
	}
	return key, nil
}

// checkKey finds what can't be sent as a key, so that it is said at the start.
func checkKey(key string) error {
	if strings.ContainsFunc(key, notOfSecrets) {
		return errors.New("the API key contains a space, a line break or another character that no key has; copy it again from Whereby's dashboard")
	}
	return nil
}

// client makes the client from valid flags.
func (w Whereby) client(key whereby.KeyFunc, transport http.RoundTripper) (*whereby.Client, error) {
	budget, err := whereby.NewBudget(w.RateLimitShare)
	if err == nil && w.ReadCost != nil {
		err = budget.SetReadCost(*w.ReadCost)
	}
	if err != nil {
		return nil, err
	}
	return &whereby.Client{
		BaseURL: w.URL,
		APIKey:  key,
		HTTPClient: &http.Client{
			Transport: transport,
			// The API redirects nowhere, and the key is not to follow.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Budget:    budget,
		UserAgent: "whereby_exporter/" + version.Version,
	}, nil
}
