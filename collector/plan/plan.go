// Package plan estimates what polling an account costs, before anything is deployed.
package plan

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"whereby_exporter/collector/recordings"
	"whereby_exporter/whereby"
)

// PointsPerMinute returns the rate limit of a Whereby plan ("build", "enterprise", formerly
// "grow") for the whole organization. Source: the API reference on rate limiting.
func PointsPerMinute(plan string) (int, bool) {
	switch plan {
	case "build":
		return 100, true
	case "enterprise", "grow":
		return 1000, true
	}
	return 0, false
}

// Account is what the plan is for.
type Account struct {
	// PointsPerMinute is the organization's rate limit.
	PointsPerMinute int
	// ReadCost is what a read costs, in points; 0 is 1.
	ReadCost int
	// Rooms exist, Active of them were used in the last 24 hours.
	Rooms, Active int
	// Recordings are stored.
	Recordings int
	// Share, Interval and FullPollInterval are the flags of the same names.
	Share                      float64
	Interval, FullPollInterval time.Duration
}

// Plan is what to expect.
type Plan struct {
	// Points may be spent in each Window, a minute but for shares of less than a
	// point a minute.
	Points int
	Window time.Duration
	// FullRequests is what a poll over the whole account costs, and FirstRequests what the
	// first one does, which reads each page twice. FirstFullPoll is how long that takes,
	// and LaterFullPolls how long those in the background do.
	FullRequests, FirstRequests   int
	FirstFullPoll, LaterFullPolls time.Duration
	// ShortRequests is what a poll that looks a day back costs, as one in a quarter of an
	// hour does; the others cost less. Every is the time between two polls.
	ShortRequests int
	Every         time.Duration
	// Freshness is how old a figure is at most, Insights' own delay included.
	Freshness time.Duration
	// TranscriptionsPerHour are the requests for transcriptions, if there are any, and
	// RecordingsRequests what it costs to read the stored recordings.
	TranscriptionsPerHour, RecordingsRequests int
	// LeftPerHour are the reads that all this leaves of the share to the sampler of call
	// quality.
	LeftPerHour int
}

// Make computes the plan of an account.
func Make(a Account) Plan {
	points, window := whereby.Allowance(a.Share, a.PointsPerMinute)
	p := Plan{Points: points, Window: window}
	points, window = reads(points, window, max(1, a.ReadCost))

	all := max(1, pages(a.Rooms))
	p.FullRequests, p.FirstRequests = all, all
	p.ShortRequests = min(all, pages(a.Active)+1)
	if all > 1 {
		// The top of the list is read once more, and one page in the opposite order.
		p.FullRequests = all + 2
		p.FirstRequests = 2*all + 2
	}
	p.FirstFullPoll = spend(p.FirstRequests, float64(points), window)

	perWindow := float64(p.ShortRequests) * window.Seconds() / a.Interval.Seconds()
	p.Every = a.Interval
	if perWindow > float64(points) {
		p.Every = time.Duration(float64(window) * float64(p.ShortRequests) / float64(points))
	}
	// Background requests get what short polls leave, at most three quarters, and
	// a quarter at least.
	most := float64(whereby.BackgroundAllowance(points))
	background := max(1, min(most, max(float64(points)-most, float64(points)-perWindow)))
	if points == 1 {
		background = 0.5 // they take turns
	}
	p.LaterFullPolls = spend(p.FullRequests, background, window)
	p.Freshness = whereby.InsightsDelay + p.Every + spend(p.ShortRequests, float64(points), window)

	// A page of the newest transcriptions is read with each poll.
	p.TranscriptionsPerHour = int(math.Ceil(time.Hour.Seconds() / p.Every.Seconds()))
	p.RecordingsRequests = max(1, pages(a.Recordings))

	perHour := float64(points) * time.Hour.Seconds() / window.Seconds()
	used := float64(p.ShortRequests)*time.Hour.Seconds()/p.Every.Seconds() +
		float64(p.FullRequests)*time.Hour.Seconds()/a.FullPollInterval.Seconds() +
		float64(p.TranscriptionsPerHour) + float64(p.RecordingsRequests)*time.Hour.Seconds()/recordings.DefaultInterval.Seconds()
	// The sampler of call quality leaves the polls a quarter, whether they need it or not.
	p.LeftPerHour = int(math.Max(0, math.Floor(min(perHour-used, perHour*most/float64(points)))))
	if points == 1 {
		p.LeftPerHour = 0 // polls need the only one
	}
	return p
}

// reads is how many reads fit into a window; a read that does not fit takes several.
func reads(points int, window time.Duration, cost int) (int, time.Duration) {
	if cost > points {
		return 1, window * time.Duration(cost) / time.Duration(points)
	}
	return points / cost, window
}

func pages(rows int) int { return (rows + whereby.MaxPageSize - 1) / whereby.MaxPageSize }

// spend is how long it takes to spend requests where points are free in each
// window: the first window's are free at once.
func spend(requests int, points float64, window time.Duration) time.Duration {
	return time.Duration(float64(requests-1)/points) * window
}

// Print writes plans of an account for a person: one, or the best and the worst case.
func Print(w io.Writer, a Account, plans ...Plan) error {
	each := func(text func(Plan) string) string {
		first, last := text(plans[0]), text(plans[len(plans)-1])
		if first == last {
			return first
		}
		return first + " to " + last
	}
	p := plans[0]
	_, err := fmt.Fprintf(w, `An account of %s, %d of them used in the last 24 hours, at %d points a minute:

  points            at most %s for this exporter; the rest is for the production application
  a read costs      %s
  first full poll   %s, %s; no usage metric is exposed before it ends
  later full polls  %s in the background, %s, each %s after the one before
  steady poll       at most %s, every %s
  freshness         figures are at most %s old, up to %s of it Insights' own delay
  transcriptions    a request a poll, %s an hour, if the account has any
  recordings        %s every %s, for %s
  call quality      %s participants can be sampled an hour, in sessions of three
`,
		count(a.Rooms, "room"), a.Active, a.PointsPerMinute,
		rate(p.Points, p.Window),
		readCost(a),
		count(p.FirstRequests, "request"), each(func(p Plan) string { return about(p.FirstFullPoll) }),
		count(p.FullRequests, "request"), each(func(p Plan) string { return about(p.LaterFullPolls) }), short(a.FullPollInterval),
		count(p.ShortRequests, "request"), each(func(p Plan) string { return short(p.Every) }),
		each(func(p Plan) string { return short(p.Freshness) }), short(whereby.InsightsDelay),
		each(func(p Plan) string { return strconv.Itoa(p.TranscriptionsPerHour) }),
		count(p.RecordingsRequests, "request"), short(recordings.DefaultInterval), count(a.Recordings, "stored recording"),
		// A session costs two reads, and each participant one.
		each(func(p Plan) string { return strconv.Itoa(p.LeftPerHour * 3 / 5) }))
	return err
}

// readCost says what a read costs, if that is known.
func readCost(a Account) string {
	if a.ReadCost > 0 {
		return count(a.ReadCost, "point")
	}
	return fmt.Sprintf("1 to %d points: Whereby does not document it; the exporter learns it, or set --whereby.read-cost", whereby.MaxReadCost)
}

func rate(points int, window time.Duration) string {
	if window < time.Minute+2*time.Second { // the budget's minute is a second longer
		return count(points, "point") + " a minute"
	}
	return count(points, "point") + " in " + short(window)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func about(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	return "about " + short(d)
}

// short returns a duration to the minute, or to the second below an hour, without
// zeroes at its end.
func short(d time.Duration) string {
	unit := time.Second
	if d >= time.Hour {
		unit = time.Minute
	}
	d = d.Round(unit)
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	text := ""
	if h > 0 {
		text += fmt.Sprintf("%dh", h)
	}
	if m > 0 {
		text += fmt.Sprintf("%dm", m)
	}
	if s > 0 || text == "" {
		text += fmt.Sprintf("%ds", s)
	}
	return text
}
