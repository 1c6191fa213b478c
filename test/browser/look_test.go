package browser_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"whereby_exporter/test/programs"
	"whereby_exporter/whereby/wherebytest"
)

// states are pages in the states that an exporter can be in.
func states(t *testing.T) []string {
	t.Helper()
	s := startSite(t).ready()
	s.join(roomName("acme-", 0), 19)

	refused := wherebytest.New(wherebytest.Config{APIKey: "another-key"})
	api := httptest.NewServer(refused)
	t.Cleanup(api.Close)
	failing := startExporter(t, refused, api.URL, "--config.file="+writeFile(t, "whereby.yml", customers))

	unnamed := wherebytest.New(wherebytest.Config{APIKey: apiKey})
	unnamed.AddRoom(wherebytest.Room{Name: roomName("acme-", 0), CreatedAt: time.Now()})
	other := httptest.NewServer(unnamed)
	t.Cleanup(other.Close)
	empty := startExporter(t, unnamed, other.URL, "--webhook.listen-address=").ready()

	b := openTab(t)
	programs.Eventually(t, time.Minute, "a poll fails", func() error {
		b.open(failing.base + "/")
		if !eval[bool](b, `document.querySelector(".verdict.bad") !== null`) {
			return errors.New("not yet")
		}
		return nil
	})
	// So that its sessions are shown.
	b.open(s.roomAddress(roomName("acme-", 0)))
	b.run(chromedp.Click(chromedp.CSS("#read button")))
	b.holds("sessions", `document.querySelectorAll("tbody tr").length === 1`)
	return append(s.pages(), failing.base+"/", empty.base+"/")
}

// contrast gives the texts of a page whose contrast is below AA, with the ratio.
const contrast = `(() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const background = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const low = [];
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility({opacityProperty: true, visibilityProperty: true}) || e.closest("noscript")) continue;
    texts++;
    const style = getComputedStyle(e);
    const below = background(e);
    const [a, b] = [luminance(over(rgba(style.color), below)), luminance(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5;
    if (ratio < needed) low.push(ratio.toFixed(2) + " " + e.className + ": " + walker.currentNode.data.trim().slice(0, 40));
  }
  return texts < 8 ? ["only " + texts + " texts were found"] : low;
})()`

func TestEveryTextCanBeReadInBothThemes(t *testing.T) {
	pages := states(t)
	b := openTab(t)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, width := range []int64{1400, 360} {
			b.size(width, 900)
			for _, page := range pages {
				b.open(page)
				for _, low := range eval[[]string](b, contrast) {
					t.Errorf("%s, %d pixels, %s: contrast %s", scheme, width, page, low)
				}
			}
		}
	}
	dark := eval[string](b, "getComputedStyle(document.body).backgroundColor")
	b.scheme("light")
	if light := eval[string](b, "getComputedStyle(document.body).backgroundColor"); light == dark {
		t.Errorf("both themes are on %s", light)
	}
	// What is asserted would be seen.
	eval[any](b, `document.querySelector("h1").after(Object.assign(document.createElement("p"), {textContent: "faint", className: "faint"})), document.querySelector(".faint").style.color = "#999", null`)
	if low := eval[[]string](b, contrast); len(low) == 0 {
		t.Error("a faint text is not seen")
	}
}

func TestNoPageScrollsSideways(t *testing.T) {
	pages := states(t)
	b := openTab(t)
	for _, width := range []int64{320, 360, 600, 881, 1024, 1321, 1400, 2560} {
		b.size(width, 800)
		for _, page := range pages {
			b.open(page)
			if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
				t.Errorf("%d pixels: %s is %d wide", width, page, wide)
			}
			// Nor do texts lie over each other: figures of a quota stand side by side.
			over := eval[[]string](b, `[...document.querySelectorAll(".use")].flatMap((use) => {
			  const parts = [...use.children].map((e) => [e, (() => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect(); })()]).filter(([e, r]) => e.localName !== "svg" && r.width);
			  return parts.flatMap(([e, r], i) => parts.slice(i + 1).filter(([, o]) => r.left < o.right - 1 && o.left < r.right - 1 && r.top < o.bottom - 3 && o.top < r.bottom - 3).map(([o]) => e.textContent + " / " + o.textContent));
			})`)
			for _, texts := range over {
				t.Errorf("%d pixels: %s: %s lie over each other", width, page, strings.Join(strings.Fields(texts), " "))
			}
		}
	}
}

func TestTheKeyboardReachesEverything(t *testing.T) {
	pages := states(t)
	b := openTab(t)
	for _, page := range pages {
		b.open(page)
		eval[any](b, `window.wanted = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), [tabindex='0']")].filter(e => e.checkVisibility()), window.reached = [], null`)
		wanted := eval[int](b, "wanted.length")
		for i := range wanted {
			b.run(chromedp.KeyEvent(kb.Tab))
			problem := eval[string](b, `(() => {
			  const e = document.activeElement;
			  reached.push(e);
			  const style = getComputedStyle(e);
			  const box = e.getBoundingClientRect();
			  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "cannot be seen to have the focus: " + e.outerHTML;
			  if (box.width < 8 || box.height < 8) return "is too small: " + e.outerHTML;
			  return "";
			})()`)
			if problem != "" {
				t.Errorf("%s, after %d tabs: %s", page, i+1, problem)
			}
			if i == 0 && eval[string](b, "document.activeElement.hash") != "#main" {
				t.Errorf("%s: the first stop does not skip to the content", page)
			}
		}
		for _, missed := range eval[[]string](b, `wanted.filter((e, i) => reached[i] !== e).map(e => e.outerHTML)`) {
			t.Errorf("%s: not reached in its turn: %s", page, missed)
		}
	}
	// The keyboard does what the mouse does.
	b.open(pages[0])
	b.run(chromedp.Focus(chromedp.CSS("#sort-minutes")), chromedp.KeyEvent(kb.Enter))
	b.holds("sorted by Enter", `location.search === "?sort=minutes" && document.activeElement.id === "sort-minutes"`)
}

func TestAScreenReaderFindsItsWay(t *testing.T) {
	pages := states(t)
	b := openTab(t)
	named := map[string]bool{
		"link": true, "button": true, "searchbox": true, "table": true, "columnheader": true, "rowheader": true,
		"meter": true, "navigation": true, "search": true, "heading": true, "region": true, "RootWebArea": true,
	}
	for _, width := range []int64{1400, 360} {
		b.size(width, 800)
		for _, page := range pages {
			b.open(page)
			tree := call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
			count := map[string]int{}
			for _, node := range tree.Nodes {
				if node.Ignored || node.Role == nil {
					continue
				}
				role := text(node.Role)
				count[role]++
				if named[role] && strings.TrimSpace(text(node.Name)) == "" {
					t.Errorf("%d pixels, %s: a %s has no name", width, page, role)
				}
			}
			for _, landmark := range []string{"banner", "main", "contentinfo"} {
				if count[landmark] != 1 {
					t.Errorf("%d pixels, %s: %d landmarks %s", width, page, count[landmark], landmark)
				}
			}
			if rows := eval[int](b, `document.querySelectorAll("tr").length`); rows > 0 && (count["table"] != 1 || count["row"] != rows || count["rowheader"] != rows-1) {
				t.Errorf("%d pixels, %s: %d tables with %d rows and %d row headers are told of %d rows", width, page, count["table"], count["row"], count["rowheader"], rows)
			}
			if meters := eval[int](b, `document.querySelectorAll("svg.bar").length`); count["meter"] != meters {
				t.Errorf("%d pixels, %s: %d of %d bars are meters", width, page, count["meter"], meters)
			}
		}
	}
	b.open(pages[0])
	if got := eval[string](b, `document.querySelector("[data-key='row-globex-'] svg").getAttribute("aria-valuetext")`); got != "150 of 100, 150%: over quota" {
		t.Errorf("a bar is read as %q", got)
	}
	if got := eval[string](b, `[...document.querySelectorAll("th[aria-sort]")].map(e => e.ariaSort).join()`); got != "none,ascending,none,none,none,none,none" {
		t.Errorf("the columns are sorted %s", got)
	}
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

func TestTheOneOverItsQuotaIsSeenAtOnce(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	for _, width := range []int64{1400, 360} {
		b.size(width, 700)
		b.open(s.base + "/")
		if got := eval[string](b, `document.elementFromPoint(...(r => [r.left + 5, r.top + 5])(document.querySelector(".verdict.bad a").getBoundingClientRect())).textContent`); got != "Globex" {
			t.Errorf("%d pixels: at the top of the screen stands %q", width, got)
		}
		if title := eval[string](b, "document.title"); title != "1 over quota – whereby_exporter" {
			t.Errorf("the tab is called %q", title)
		}
	}
}

func TestALostConnectionIsTold(t *testing.T) {
	s := startSite(t).ready()
	b := openTab(t)
	b.open(s.base + "/")
	eval[any](b, `window.fetch = () => Promise.reject(new Error("gone")), document.dispatchEvent(new Event("visibilitychange")), null`)
	b.holds("the page says so", `document.getElementById("connection").textContent.includes("may be out of date")`)
	if rows := b.rows(); !strings.HasPrefix(rows, "globex ") {
		t.Errorf("the figures are gone: %.40s", rows)
	}
	b.clean()
}
