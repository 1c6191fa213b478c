package browser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"whereby_exporter/test/browser"
	"whereby_exporter/test/programs"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

const (
	apiKey        = "planted-key-3e91"
	webhookSecret = "planted-webhook-secret-9b02"
	// otherName is a name of this machine that browsers take for one far away, where
	// they do not say all that they say to localhost.
	otherName = "exporter.example.com"
	// hostileRoom is named by hand, which may be anything.
	hostileRoom = "/<script>alert(1)</script>"
)

// chromium is one browser for all tests.
var chromium struct {
	context.Context
	missing error
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop, err := browser.Start(context.Background(), "MAP "+otherName+" 127.0.0.1")
	if err == nil {
		defer stop()
	} else if !errors.Is(err, browser.ErrMissing) {
		fmt.Fprintln(os.Stderr, "start Chromium:", err)
		return 1
	}
	chromium.Context, chromium.missing = ctx, err
	return m.Run()
}

// needBrowser skips a test if there is no browser, under any of its names.
func needBrowser(t *testing.T) {
	t.Helper()
	if chromium.missing != nil {
		programs.Need(t, "chromium")
		t.Fatal(chromium.missing)
	}
}

var built struct {
	sync.Once
	file string
	err  error
}

func exporterFile(t *testing.T) string {
	t.Helper()
	built.Do(func() { built.file, built.err = programs.Exporter.Build(t.Context(), t.Output()) })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.file
}

// site is a running exporter and the account that it reads.
type site struct {
	t       *testing.T
	account *wherebytest.Account
	base    string
	address string
	webhook string
	out     strings.Builder
}

const customers = `
customers:
  - {room_prefix: acme-, name: Acme, quotas: {participant_minutes: 1000, sessions: 50000, live_participants: 20}}
  - {room_prefix: globex-, name: Globex, quotas: {participant_minutes: 100}}
  - {room_prefix: initech-, name: "<script>alert('Initech & a name that goes on and on without any end')</script>", quotas: {participant_minutes: 9007199254740992, streamer_minutes: 0}}
`

// roomName returns a room's name as Whereby makes them.
func roomName(prefix string, i int) string {
	return fmt.Sprintf("/%s00000000-0000-4000-8000-%012d", prefix, i)
}

// startSite runs the exporter on an account of some customers; of them, globex- is over
// its quota.
func startSite(t *testing.T, flags ...string) *site {
	t.Helper()
	needBrowser(t)
	account := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	now := time.Now()
	use := func(name string, minutes int64) {
		account.AddRoom(wherebytest.Room{Name: name, CreatedAt: now})
		account.Use(name, wherebytest.Totals{Sessions: 1, ParticipantMinutes: minutes, RecorderMinutes: minutes / 10}, now)
	}
	for i := range 120 {
		use(roomName("acme-", i), 1)
	}
	use(roomName("globex-", 0), 150)
	use(roomName("initech-", 0), 40)
	use(hostileRoom, 3)
	for i := range 130 {
		use(roomName(fmt.Sprintf("small-%03d-", i), i), int64(i))
	}
	api := httptest.NewServer(account)
	t.Cleanup(api.Close)
	return startExporter(t, account, api.URL, append([]string{"--config.file=" + writeFile(t, "whereby.yml", customers)}, flags...)...)
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startExporter runs the binary and waits until it listens.
func startExporter(t *testing.T, account *wherebytest.Account, api string, flags ...string) *site {
	t.Helper()
	s := &site{t: t, account: account, address: programs.FreeAddress(t), webhook: programs.FreeAddress(t)}
	s.base = "http://" + s.address
	cmd := exec.Command(exporterFile(t), append([]string{
		"run", "--whereby.url=" + api + "/v1", "--web.listen-address=" + s.address, "--webhook.listen-address=" + s.webhook,
		"--poll.interval=1s", "--storage.path=", "--whereby.rate-limit-share=1", "--whereby.read-cost=1",
	}, flags...)...)
	cmd.Env = append(os.Environ(), "WHEREBY_API_KEY="+apiKey, "WHEREBY_WEBHOOK_SECRET="+webhookSecret)
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the exporter printed:\n%s", s.out.String())
		}
	})
	programs.Eventually(t, time.Minute, "the exporter listens", func() error {
		connection, err := net.Dial("tcp", s.address)
		if err == nil {
			connection.Close()
		}
		return err
	})
	return s
}

// ready waits for the first poll.
func (s *site) ready() *site {
	s.t.Helper()
	programs.Eventually(s.t, time.Minute, "the exporter is ready", func() error {
		answer, err := http.Get(s.base + "/-/ready")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", answer.StatusCode)
		}
		return nil
	})
	return s
}

// join has n people in a room.
func (s *site) join(room string, n int) {
	s.t.Helper()
	body := fmt.Sprintf(`{"id":"event-%d","apiVersion":"1.0","createdAt":%q,"type":"room.client.joined","data":{"meetingId":"m","roomName":%q,`+
		`"roleName":"visitor","numClients":%d,"numClientsByRoleName":{"visitor":%d},"participantId":"p"}}`,
		time.Now().UnixNano(), time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), room, n, n)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+s.webhook+"/webhook", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set(whereby.SignatureHeader, whereby.Sign(webhookSecret, []byte(body), time.Now()))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusNoContent {
		s.t.Fatalf("the event was answered with %d", answer.StatusCode)
	}
}

// tab is a page of the browser that notes what goes wrong in it.
type tab struct {
	t *testing.T
	context.Context

	mu       sync.Mutex
	problems []string
}

func openTab(t *testing.T) *tab {
	t.Helper()
	needBrowser(t)
	ctx, cancel := chromedp.NewContext(chromium.Context)
	t.Cleanup(cancel)
	ctx, cancelTimeout := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelTimeout)
	b := &tab{t: t, Context: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, fmt.Sprintf("exception: %+v", e.ExceptionDetails))
		case *runtime.EventConsoleAPICalled:
			b.problems = append(b.problems, fmt.Sprintf("console.%s %v", e.Type, e.Args))
		case *log.EventEntryAdded:
			b.problems = append(b.problems, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	b.size(1400, 900)
	return b
}

// clean fails where the browser had anything to say: of a policy that was broken, of a
// file that was not there, of an error of the script.
func (b *tab) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		b.t.Error(problem)
	}
}

// call sends a command that there is no action for.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	result, err := chromedp.Call(b, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.run(chromedp.Navigate(address))
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 700})
}

func (b *tab) scheme(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

func (b *tab) withoutScripts() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// eval gives the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// holds waits until an expression is true in a page that has been loaded to its end: what
// is read of the page afterwards is whole.
func (b *tab) holds(what, expression string) {
	b.t.Helper()
	programs.Eventually(b.t, time.Minute, what, func() error {
		ok, err := chromedp.Run(b, chromedp.Evaluate[bool](`document.readyState === "complete" && Boolean(`+expression+")"))
		if err != nil {
			return err // the page is just being loaded
		}
		if !ok {
			return errors.New("it does not hold")
		}
		return nil
	})
}

const rowKeys = `[...document.querySelectorAll("tbody tr")].map(r => r.dataset.key.replace(/^row-/, "").replace(/-$/, ""))`

func (b *tab) rows() string {
	b.t.Helper()
	return strings.Join(eval[[]string](b, rowKeys), " ")
}
