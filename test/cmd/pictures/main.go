// Command pictures takes the pictures of the dashboards in docs, from a Grafana that
// shows them, with a Chromium that is installed. For those in docs, an hour after
// Compose's first start in deploy/compose:
//
//	go -C test run ./cmd/pictures -grafana http://localhost:3000 -output ../docs
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"whereby_exporter/dashboards"
	"whereby_exporter/test/browser"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// picture is one to take, in both themes.
type picture struct {
	dashboard, prefix string
	height            int
}

// themes are those that a reader of docs may have.
var themes = []string{"light", "dark"}

// all is Grafana's value for all room prefixes.
const all = "$__all"

// pictures are those in docs, cut where a reader has seen enough.
var pictures = []picture{
	{"overview", all, 1340},
	{"customer", "acme-", 1080},
	{"quotas", all, 1040},
	{"capacity", all, 1060},
}

func run(ctx context.Context) error {
	var (
		grafana = flag.String("grafana", "http://localhost:3000", "address of the Grafana; it must let anybody look")
		output  = flag.String("output", "../docs", "directory of the pictures")
		width   = flag.Int("width", 1400, "width of the pictures")
		whole   = flag.Bool("whole", false, "take all dashboards, whole")
	)
	flag.Parse()
	version, err := versionOf(ctx, *grafana)
	if err != nil {
		return fmt.Errorf("ask Grafana for its version: %w", err)
	}
	fmt.Println("Grafana", version)
	list := pictures
	if *whole {
		list = nil
		for _, name := range slices.Sorted(maps.Keys(dashboards.Files())) {
			height, err := bottom(name)
			if err != nil {
				return err
			}
			list = append(list, picture{strings.TrimSuffix(name, ".json"), all, height})
		}
	}
	if err := os.MkdirAll(*output, 0o755); err != nil {
		return fmt.Errorf("make the directory of pictures: %w", err)
	}
	tab, closeBrowser, err := browser.Start(ctx, "")
	if err != nil {
		return err
	}
	defer closeBrowser()
	for _, p := range list {
		for _, theme := range themes {
			name := p.dashboard + "-" + theme
			if *whole {
				name += fmt.Sprintf("-%d", *width)
			}
			file := filepath.Join(*output, name+".png")
			if err := p.take(tab, *grafana, theme, *width, file); err != nil {
				return fmt.Errorf("take a picture of %s: %w", p.dashboard, err)
			}
			fmt.Println(file)
		}
	}
	return nil
}

func versionOf(ctx context.Context, grafana string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, grafana+"/api/health", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var health struct{ Version string }
	content, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(content, &health)
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return health.Version, err
}

// bottom is how many pixels down a dashboard's last panel ends.
func bottom(name string) (int, error) {
	var d struct {
		Panels []struct{ GridPos struct{ Y, H int } }
	}
	if err := json.Unmarshal(dashboards.Files()[name], &d); err != nil {
		return 0, fmt.Errorf("read dashboard %s: %w", name, err)
	}
	lines := 0
	for _, p := range d.Panels {
		lines = max(lines, p.GridPos.Y+p.GridPos.H)
	}
	return lines*38 + 120, nil
}

// loaded is true once panels are there and Grafana offers to refresh them: while one of
// them loads, it offers to cancel.
const loaded = `document.querySelector(".react-grid-item") !== null &&
	document.querySelector("[data-testid='data-testid RefreshPicker run button'][aria-label=Refresh]") !== null`

// still is how long a dashboard must have been loaded: a panel may ask for something else
// after a first answer.
const still = 2 * time.Second

// take opens the dashboard without menus, waits until nothing loads, and keeps
// what it shows.
func (p picture) take(tab context.Context, grafana, theme string, width int, file string) error {
	address := strings.TrimRight(grafana, "/") + "/d/whereby-" + p.dashboard + "?kiosk&" + url.Values{"theme": {theme}, "var-room_prefix": {p.prefix}}.Encode()
	// What is below the edge of the window does not load.
	if err := browser.Resize(tab, int64(width), int64(p.height)); err != nil {
		return err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(address)); err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	if err := wait(tab); err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	return browser.Take(tab, file)
}

// wait waits until the dashboard has been loaded for a while.
func wait(tab context.Context) error {
	const patience = 2 * time.Minute
	begin := time.Now()
	since := begin
	for time.Since(since) < still {
		if time.Since(begin) > patience {
			return fmt.Errorf("not loaded within %v", patience)
		}
		ok, err := chromedp.Run(tab, chromedp.Evaluate[bool](loaded))
		if err != nil {
			return err
		}
		if !ok {
			since = time.Now()
		}
		select {
		case <-tab.Done():
			return tab.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
