// Package browser drives a headless Chromium, for the tests of the status page and for the
// command that takes the pictures in the documents.
package browser

import (
	"context"
	"errors"
	"os/exec"

	"github.com/chromedp/chromedp"
)

// ErrMissing says that there is no Chromium.
var ErrMissing = errors.New("no Chromium is installed; on Debian: apt-get install chromium")

// Find returns the path of an installed Chromium.
func Find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// Start starts a browser that ends with the context or with stop. Host names are
// resolved as rules says, in the form of Chromium's host-resolver-rules.
func Start(ctx context.Context, rules string) (started context.Context, stop func(), err error) {
	path, err := Find()
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// Containers run as root, and grant no name spaces for a sandbox. Nothing is
		// opened but our own pages.
		chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("ignore-certificate-errors", true),
	)
	if rules != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", rules))
	}
	allocated, release := chromedp.NewExecAllocator(ctx, options...)
	started, cancel := chromedp.NewContext(allocated)
	stop = func() {
		cancel()
		release()
	}
	if err := chromedp.Do(started); err != nil {
		stop()
		return nil, nil, err
	}
	return started, stop, nil
}
