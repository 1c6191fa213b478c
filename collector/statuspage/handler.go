package statuspage

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"whereby_exporter/collector/rooms"
)

// Prefix is the path of all pages but the first.
const Prefix = "/status/"

// Options configures a [Handler].
type Options struct {
	Source Source
	// MetricsPath is the path of the metrics.
	MetricsPath string
	Logger      *slog.Logger
}

const (
	// refresh is how often the script updates a page, and reload how often a browser
	// without scripts reloads it.
	refresh = 10 * time.Second
	reload  = 30 * time.Second
	// roomsLimit is how many rooms a page shows: on a phone, 50 are ten screens.
	roomsLimit = 50
	// maxForm is far above a room's name.
	maxForm = 8 << 10
)

var (
	//go:embed templates
	templateFiles embed.FS
	//go:embed assets
	assetFiles embed.FS
)

// policy allows only what this package serves.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the pages: the first one at / and the others below [Prefix].
type Handler struct {
	options   Options
	reader    *reader
	templates map[string]*template.Template
	assets    map[string]asset
	mux       *http.ServeMux
}

type asset struct {
	content     []byte
	contentType string
	// address includes a version, so that browsers can keep the asset forever.
	address string
}

// New returns a handler. It fails only if a template is invalid.
func New(o Options) (*Handler, error) {
	h := &Handler{options: o, reader: newReader(o.Source), templates: map[string]*template.Template{}, assets: map[string]asset{}}
	for _, page := range []string{"overview", "rooms", "room", "problem"} {
		parsed, err := template.ParseFS(templateFiles, "templates/frame.html", "templates/"+page+".html")
		if err != nil {
			return nil, err
		}
		h.templates[page] = parsed
	}
	for name, contentType := range map[string]string{
		"style.css": "text/css; charset=utf-8", "script.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		content, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		h.assets[name] = asset{content, contentType, "status/" + name + "?v=" + hex.EncodeToString(sum[:6])}
	}
	h.mux = http.NewServeMux()
	// GET matches HEAD too; other methods get 405.
	h.mux.HandleFunc("GET /{$}", h.overview)
	h.mux.HandleFunc("GET "+Prefix+"rooms", h.rooms)
	h.mux.HandleFunc("GET "+Prefix+"room", h.room)
	// A form spends a point, so no other site may submit it.
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(h.foreign))
	h.mux.Handle("POST "+Prefix+"room", own.Handler(http.HandlerFunc(h.readSessions)))
	for name := range h.assets {
		h.mux.HandleFunc("GET "+Prefix+name, h.asset)
	}
	return h, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	// With no-referrer, browsers would submit forms without their origin, which
	// distinguishes the pages' own forms from those of other sites.
	header.Set("Referrer-Policy", "same-origin")
	h.mux.ServeHTTP(w, r)
}

// frame is what all pages have.
type frame struct {
	Title, Version string
	// Root is the relative address of the first page, so that the pages work behind a
	// proxy that adds a path.
	Root                string
	Style, Script, Icon string
	Metrics             string
	// JSON and Dashboard are the addresses of the customer's rooms as JSON, and of Grafana;
	// "" if there is none.
	JSON, Dashboard string
	Now             stamp
	Clock           string
	Refresh, Reload int // in seconds
	// Still is true if the page does not reload by itself. Toggle is its address with the
	// opposite, for browsers without scripts.
	Still  bool
	Toggle string
}

func (h *Handler) frame(root string, r Report) frame {
	return frame{
		Version:   r.Version,
		Root:      root,
		Style:     root + h.assets["style.css"].address,
		Script:    root + h.assets["script.js"].address,
		Icon:      root + h.assets["icon.svg"].address,
		Metrics:   root + strings.TrimPrefix(h.options.MetricsPath, "/"),
		Dashboard: dashboardAddress(r, "whereby-overview", nil),
		Now:       stampOf(r.Now, r.Now),
		Clock:     r.Now.UTC().Format("15:04:05 MST"),
		Refresh:   int(refresh / time.Second),
		Reload:    int(reload / time.Second),
	}
}

// ofCustomer returns the frame of a page about a customer.
func (f frame) ofCustomer(r Report, prefix string) frame {
	f.JSON = f.Root + "api/v1/rooms?" + url.Values{"room_prefix": {prefix}}.Encode()
	f.Dashboard = dashboardAddress(r, "whereby-customer", url.Values{"var-room_prefix": {prefix}})
	return f
}

// dashboardAddress returns the address of a bundled dashboard. It has no job: the exporter
// does not know its own.
func dashboardAddress(r Report, uid string, variables url.Values) string {
	if r.DashboardURL == "" {
		return ""
	}
	address := strings.TrimRight(r.DashboardURL, "/") + "/d/" + uid
	if len(variables) > 0 {
		address += "?" + variables.Encode()
	}
	return address
}

// report is what the exporter knows now.
func (h *Handler) report() Report {
	report := h.options.Source.Report()
	report.markNamesakes()
	return report
}

func (h *Handler) overview(w http.ResponseWriter, r *http.Request) {
	report := h.report()
	h.render(w, http.StatusOK, "overview", newOverview(h.frame("./", report), report, parseQuery(r.URL.Query())))
}

func (h *Handler) rooms(w http.ResponseWriter, r *http.Request) {
	report := h.report()
	f := h.frame("../", report)
	q := parseRoomsQuery(r.URL.Query())
	if q.Prefix == "" {
		h.problem(w, f, http.StatusBadRequest, "Which rooms?", "The address names no room prefix. Select a customer on the overview.")
		return
	}
	customer := report.customer(q.Prefix)
	q.Since = customer.Period.Start
	f = f.ofCustomer(report, q.Prefix)
	if report.Polls.AsOf.IsZero() {
		page := newRoomsPage(f, report.Now, customer, q, rooms.Listing{})
		page.Waiting = true
		h.render(w, http.StatusOK, "rooms", page)
		return
	}
	found, err := h.options.Source.List(r.Context(), q)
	if errors.Is(err, rooms.ErrCursor) {
		h.problem(w, f, http.StatusBadRequest, "Which page?", "The address was cut off or changed. Select a customer on the overview.")
		return
	}
	if err != nil {
		h.failed(w, f, err)
		return
	}
	if len(found.Rooms) == 0 && q.Cursor == "" && !report.knows(q.Prefix) {
		h.problem(w, f, http.StatusNotFound, "No such room prefix", "No room of the account and no customer in the configuration file has this prefix.")
		return
	}
	h.render(w, http.StatusOK, "rooms", newRoomsPage(f, report.Now, customer, q, found))
}

func (h *Handler) room(w http.ResponseWriter, r *http.Request) {
	report := h.report()
	f := h.frame("../", report)
	room, prefix, ok := h.find(w, f, r.URL.Query().Get("name"))
	if !ok {
		return
	}
	f = f.ofCustomer(report, prefix)
	h.render(w, http.StatusOK, "room", newRoomPage(f, report.Now, room, prefix, report.customer(prefix).title(), h.reader.last(room.RoomName)))
}

// readSessions spends a point and redirects to the page, which costs nothing to reload.
func (h *Handler) readSessions(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	room, _, ok := h.find(w, h.frame("../", h.report()), r.PostFormValue("name"))
	if !ok {
		return
	}
	h.reader.read(r.Context(), room.RoomName)
	w.Header().Set("Location", "room?"+url.Values{"name": {room.RoomName}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

func (h *Handler) foreign(w http.ResponseWriter, _ *http.Request) {
	h.problem(w, h.frame("../", h.report()), http.StatusForbidden, "Request from another site",
		"Reading sessions costs points, so only the exporter’s own pages may ask for it. A proxy that changes the Host header has the same effect.")
}

// find returns a room of the account, or writes a page that says that there is none.
func (h *Handler) find(w http.ResponseWriter, f frame, name string) (rooms.Room, string, bool) {
	room, prefix, ok, err := h.options.Source.Room(name)
	if err != nil {
		h.failed(w, f, err)
		return room, prefix, false
	}
	if !ok {
		h.problem(w, f, http.StatusNotFound, "No such room", "No poll has found a room with this name.")
	}
	return room, prefix, ok
}

func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	a := h.assets[strings.TrimPrefix(r.URL.Path, Prefix)]
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.content)))
	w.Header().Set("Cache-Control", "max-age=31536000, immutable")
	_, _ = w.Write(a.content)
}

// problemPage says why there is nothing to show.
type problemPage struct {
	frame
	Heading, Text string
}

func (h *Handler) problem(w http.ResponseWriter, f frame, status int, heading, text string) {
	f.Title = heading + " – whereby_exporter"
	f.Still = true
	h.render(w, status, "problem", problemPage{f, heading, text})
}

// failed writes a page that says that the store could not be read, and logs why.
func (h *Handler) failed(w http.ResponseWriter, f frame, err error) {
	h.options.Logger.Error("rendering a status page failed", "err", err)
	h.problem(w, f, http.StatusInternalServerError, "The rooms could not be read", "The log says why.")
}

func (h *Handler) render(w http.ResponseWriter, status int, name string, page any) {
	var body bytes.Buffer
	if err := h.templates[name].ExecuteTemplate(&body, "frame.html", page); err != nil {
		h.options.Logger.Error("rendering a status page failed", "err", err)
		http.Error(w, "The page could not be rendered; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// customer returns the owner of a prefix, one without figures if the prefix is not known.
func (r Report) customer(prefix string) Customer {
	for _, c := range r.Customers {
		if c.Prefix == prefix {
			return c
		}
	}
	return Customer{Prefix: prefix}
}

func (r Report) knows(prefix string) bool {
	for _, c := range r.Customers {
		if c.Prefix == prefix {
			return true
		}
	}
	return false
}
