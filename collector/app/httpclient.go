package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	promconfig "github.com/prometheus/common/config"
)

var quotedValue = regexp.MustCompile("`[^`]*`")

// httpClient is one that connects as the file says that a flag names, or plainly if it names
// none. It follows no redirect: the answer would be another server's, which would get the
// password, too.
func httpClient(flag, file string) (*http.Client, error) {
	config := &promconfig.DefaultHTTPClientConfig
	if file != "" {
		var err error
		if config, _, err = promconfig.LoadHTTPConfigFile(file); err != nil {
			// An error of YAML repeats the value, which may be a password.
			return nil, fmt.Errorf("%s=%s: %s", flag, file, quotedValue.ReplaceAllLiteralString(err.Error(), "a value"))
		}
	}
	client, err := promconfig.NewClientFromConfig(*config, "whereby_exporter")
	if err != nil {
		return nil, fmt.Errorf("%s=%s: %w", flag, file, err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, nil
}

// checkAddress reads the value of --url. Flags show in process lists, so it may hold no
// password; instead says what to do.
func checkAddress(text, example, instead string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("--url: must be an address such as " + example)
	}
	if u.User != nil {
		return nil, errors.New("--url: must not contain a password; " + instead)
	}
	return u, nil
}
