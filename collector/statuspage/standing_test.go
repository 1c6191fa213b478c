package statuspage

import (
	"testing"
	"time"

	"whereby_exporter/collector/config"
)

func TestStandings(t *testing.T) {
	day := func(n float64) time.Time { return november.Start.Add(time.Duration(n * 24 * float64(time.Hour))) }
	for _, c := range []struct {
		name      string
		at        time.Time
		used      int64
		limit     float64
		unknown   bool
		want      Standing
		projected float64
		tooEarly  bool
	}{
		{name: "nothing used", at: day(15), used: 0, limit: 100, want: Within, projected: 0},
		{name: "half used at half time comes out even", at: day(15), used: 50, limit: 100, want: Within, projected: 100},
		{name: "a little more than half at half time", at: day(15), used: 51, limit: 100, want: Heading, projected: 102},
		{name: "one below the quota", at: day(29.9), used: 99, limit: 100, want: Near, projected: 99},
		{name: "the quota itself is used up", at: day(29.9), used: 100, limit: 100, want: Over, projected: 100},
		{name: "near begins at the near ratio", at: day(29.99), used: 80, limit: 100, want: Near, projected: 80},
		{name: "and not before", at: day(29.99), used: 79, limit: 100, want: Within, projected: 79},
		{name: "a moment before a fifth of the period", at: day(5.999), used: 70, limit: 100, want: Within, tooEarly: true},
		{name: "a fifth of the period", at: day(6), used: 70, limit: 100, want: Heading, projected: 350},
		{name: "a limit of 0 and nothing used", at: day(15), used: 0, limit: 0, want: Within, projected: 0},
		{name: "a limit of 0 and something used", at: day(15), used: 1, limit: 0, want: Over, projected: 2},
		{name: "not known", at: day(15), used: 70, limit: 100, unknown: true, want: Unknown, tooEarly: true},
		{name: "what is certain is near the quota", at: day(15), used: 80, limit: 100, unknown: true, want: Near, tooEarly: true},
		{name: "what is certain is the quota", at: day(15), used: 100, limit: 100, unknown: true, want: Over, tooEarly: true},
		{name: "nothing is certain, and nothing granted", at: day(15), used: 0, limit: 0, unknown: true, want: Unknown, tooEarly: true},
		{name: "figures from before the period", at: day(-1), used: 0, limit: 100, want: Within, tooEarly: true},
		{name: "a clock that is behind the period", at: day(31), used: 50, limit: 100, want: Within, projected: 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			of := customer("acme-", "Acme", c.used, minutesQuota(c.limit))
			if c.unknown {
				of.Unread = 1
			}
			a := assess(of, c.at, true)
			if a.standing != c.want {
				t.Errorf("stands %v; want %v", a.standing, c.want)
			}
			if u := a.uses[0]; u.projects == c.tooEarly || u.projects && u.projected != c.projected {
				t.Errorf("projected %v (%v); want %v", u.projected, u.projects, c.projected)
			}
		})
	}
}

func TestTheWorstQuotaDecides(t *testing.T) {
	of := customer("acme-", "Acme", 10, config.Quotas{config.ParticipantMinutes: 1000, config.LiveParticipants: 5, config.RecorderMinutes: 0})
	of.People = 5
	for _, c := range []struct {
		name  string
		live  bool
		want  Standing
		which config.Resource
	}{
		{"too many people", true, Over, config.LiveParticipants},
		{"and nobody knows of them", false, Within, config.ParticipantMinutes},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assess(of, now, c.live)
			if worst, _ := a.worst(); a.standing != c.want || worst.resource != c.which {
				t.Errorf("stands %v for its %v; want %v for its %v", a.standing, worst.resource, c.want, c.which)
			}
		})
	}
}

func TestWhatIsNotKnownIsNotWithinAQuota(t *testing.T) {
	of := customer("acme-", "Acme", 0, config.Quotas{config.ParticipantMinutes: 1000, config.LiveParticipants: 5})
	of.Unread = 1
	if a := assess(of, now, true); a.standing != Unknown {
		t.Errorf("stands %v; want %v", a.standing, Unknown)
	}
	of.People = 5
	if a := assess(of, now, true); a.standing != Over {
		t.Errorf("with too many people: stands %v; want %v", a.standing, Over)
	}
}

func TestFiguresAreProjectedFromWhenTheyAreOf(t *testing.T) {
	r := running()
	r.Customers = []Customer{customer("acme-", "Acme", 100, minutesQuota(1000))}
	r.Now = now.Add(10 * 24 * time.Hour) // polls have failed for ten days
	r.Polls.AsOf = now
	if u := selectCustomers(r, parseQuery(nil)).rows[0].uses[0]; u.projected != 200 {
		t.Errorf("projected %v from figures of half time; want 200", u.projected)
	}
}

func TestWordsForFigures(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(999): "999", number(1000): "1,000", number(1234567): "1,234,567", number(-1234): "-1,234",
		percent(0.999): "99%", percent(1): "100%", percent(0.29): "29%", percent(12.345): "1,234%", percent(1e6): "over 9,999%",
		span(0): "0 s", span(59 * time.Second): "59 s", span(61 * time.Second): "1 min 1 s", span(12 * time.Minute): "12 min",
		span(time.Hour): "1 h", span(3*time.Hour + 20*time.Minute): "3 h 20 min", span(25 * time.Hour): "1 d 1 h", span(100 * 24 * time.Hour): "100 d",
		stampOf(now, now.Add(-time.Minute)).Relative: "1 min ago", stampOf(now, now.Add(500*time.Millisecond)).Relative: "just now",
		stampOf(now, now.Add(time.Minute)).Relative: "in 1 min", stampOf(now, time.Time{}).Relative: "",
		oneLine("a\n\tb\x00\xff"): "a b\x00\uFFFD",
	} {
		if got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("acme", "over", "minutes", "asc", "3", "off")
	f.Fuzz(func(t *testing.T, text, state, sort, order, page, still string) {
		v := map[string][]string{"q": {text}, "state": {state}, "sort": {sort}, "order": {order}, "page": {page}, "refresh": {still}}
		q := parseQuery(v)
		selectCustomers(running(), q)
		if again := parseAddress(t, q.encode()); again != q {
			t.Errorf("%+v becomes %+v by way of %s", q, again, q.encode())
		}
	})
}
