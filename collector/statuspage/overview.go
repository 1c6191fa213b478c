package statuspage

import (
	"fmt"
	"math"
	"strings"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/prefix"
)

// overview is what the first page shows.
type overview struct {
	frame
	Verdicts []verdict
	Filter   *filter // nil if there is nothing to filter
	Head     []headCell
	Rows     []customerRow
	Live     bool // webhooks are on
	Damaged  bool // they are refused, because the live state is damaged
	// Empty says why there are no rows, and what to do.
	Empty    string
	NoConfig bool
	Pager    pager
	Account  accountCard
	Polls    pollsCard
	Points   pointsCard
	Webhooks *webhooksCard
	Reloads  reloadsCard
	// Failure is the last failed poll if others have succeeded since. While polls fail, a
	// verdict says so.
	Failure          *failure
	Dropped, Reading string
	Started          stamp
}

// verdict is one line at the top of the page.
type verdict struct {
	Kind  string // bad, warn, wait or good
	Text  string
	Links []link
	More  string
	Do    string
}

type link struct {
	Address, Text, Title string
	Current              bool
	Key, Class           string
}

type filter struct {
	Text, State, Sort, Order string
	Still                    bool
	States                   []link
	Found                    string
	Clear                    string
}

type headCell struct {
	Text, Address, Sort, Class, Key string
}

type pager struct {
	First, Last, Found string
	Previous, Next     string
}

type customerRow struct {
	Key, Name, Prefix, Rooms string
	Namesake                 bool
	Standing                 Standing
	Uses                     []useLine
	Minutes, Unread, People  string
	RoomCount                string
	Ends                     stamp
	Day                      string
}

// useLine is a bar and its figures. The bar is 125 units wide, and the limit is at 100 of
// them in every row.
type useLine struct {
	Key, Label, Of  string
	Standing        Standing
	Known           bool
	Fill, Projected string // widths
	Ahead           bool   // the projection is above what was used
	Near            string // where near begins; "" if nowhere
	Used, Limit     string
	Percent         string
	Outlook         string
	Now, Max        string // values of the meter
	Text            string // the meter in words
}

type accountCard struct {
	Minutes     string
	Unread      string // rooms
	Cost        string // of the current period; "" if unknown
	Uses        []useLine
	Previous    *periodLine
	People      string
	LiveRooms   string
	Ends        stamp
	Day         string
	MinutesText string
}

type pollsCard struct {
	Kind, Text  string
	Last, Full  stamp
	Interval    string
	AsOf        stamp
	First, Wait string
}

type pointsCard struct {
	Spent, Allowed   string
	Limit, Remaining string
	At               stamp
	Old              bool // At is more than a minute ago
}

type webhooksCard struct {
	Last                           stamp
	Events, Duplicates, Rejections string
	Rejected                       []rejectedLine
	Corrections                    string
}

type rejectedLine struct{ Reason, N string }

type reloadsCard struct{ Loaded, Failed stamp }

const barWidth = 125

var resourceLabels = map[config.Resource]string{
	config.ParticipantMinutes:   "Participant minutes",
	config.RecorderMinutes:      "Recorder minutes",
	config.StreamerMinutes:      "Streamer minutes",
	config.TranscriptionMinutes: "Transcription minutes",
	config.BilledMinutes:        "Billed minutes",
	config.Sessions:             "Sessions",
	config.LiveParticipants:     "Live participants",
}

func newOverview(f frame, r Report, q query) overview {
	l := selectCustomers(r, q)
	o := overview{frame: f, Live: r.Webhooks != nil, Damaged: r.LiveDamaged, NoConfig: true}
	for _, c := range r.Customers {
		o.NoConfig = o.NoConfig && !c.Configured()
	}
	o.Still, o.Toggle = q.still, q.toggled().encode()
	o.Verdicts = verdicts(r, l)
	if l.all > 0 {
		o.Filter = newFilter(l)
	}
	o.Head = heads(q, o.Live)
	for _, a := range l.rows {
		o.Rows = append(o.Rows, newRow(r, a))
	}
	o.Empty = empty(r, l)
	o.Pager = newPager(l)
	o.Account = newAccount(r)
	o.Polls = newPolls(r)
	o.Points = newPoints(r)
	o.Webhooks = newWebhooks(r)
	o.Reloads = reloadsCard{stampOf(r.Now, r.Reloads.Loaded), stampOf(r.Now, r.Reloads.Failed)}
	if r.Polls.Err == nil {
		o.Failure = failureOf(r.Now, r.Polls.LastErrAt, r.Polls.LastErr)
	}
	if r.DroppedPrefixes > 0 {
		o.Dropped = fmt.Sprintf("%s beyond room_prefixes.limit are counted together as %s.",
			count(r.DroppedPrefixes, "prefix", "prefixes"), prefix.Other)
	}
	if r.unsettled() {
		o.Reading = "“At least” means that some rooms are unread: how much of their usage is older than the period is not known yet. The exporter reads their sessions as the rate limit allows."
	}
	o.Started = stampOf(r.Now, r.Started)
	o.Title = "whereby_exporter"
	if n := l.count[Over]; n > 0 {
		o.Title = number(n) + " over quota – whereby_exporter"
	}
	return o
}

// unsettled reports whether any customer's use of the period is not known yet.
func (r Report) unsettled() bool {
	for _, c := range r.Customers {
		if c.Known && !c.PeriodUsage.Known() {
			return true
		}
	}
	return false
}

func (q query) toggled() query {
	q.still = !q.still
	return q
}

// silence is the least time without a poll, successful or not, after which the page says so.
// With long intervals, it is three of them.
const silence = 5 * time.Minute

// verdicts returns what is wrong, worst first, or that nothing is.
func verdicts(r Report, l listing) []verdict {
	var v []verdict
	asOf := stampOf(r.Now, r.Polls.AsOf)
	switch p := r.Polls; {
	case p.Err != nil:
		f := failureOf(r.Now, p.Failed, p.Err)
		bad := verdict{Kind: "bad", Text: f.What, More: f.Message, Do: f.Do}
		if asOf.Known() {
			bad.Text += "; figures are from " + asOf.Relative
		} else {
			bad.Text += "; no figures yet"
		}
		v = append(v, bad)
	case p.AsOf.IsZero():
		v = append(v, verdict{Kind: "wait", Text: "The first poll is in progress: " + progress(p), More: "Figures appear once the whole account has been read."})
	case p.Succeeded.IsZero():
		v = append(v, verdict{Kind: "wait", Text: "The first poll since startup is in progress; figures are from " + asOf.Relative})
	case r.Now.Sub(p.Succeeded) > max(silence, 3*p.Interval):
		v = append(v, verdict{Kind: "warn", Text: "The last poll ended " + stampOf(r.Now, p.Succeeded).Relative,
			More: "The current poll is waiting for points, or for Whereby to respond."})
	}
	if !r.Reloads.Failed.IsZero() {
		v = append(v, verdict{Kind: "warn", Text: "The configuration file has an error; the previous configuration stays in force",
			Do: "The log names the line, and so does whereby_exporter check --config.file=FILE."})
	}
	if n := l.count[Over]; n > 0 {
		v = append(v, overVerdict(n, l))
	}
	if n := l.count[Heading]; n > 0 {
		heading := "1 customer is on track to exceed its quota"
		if n > 1 {
			heading = number(n) + " customers are on track to exceed their quotas"
		}
		v = append(v, verdict{Kind: "warn", Text: heading, Links: []link{{Address: query{sort: byStanding, page: 1}.standingIn(Heading).encode(), Text: "Show"}}})
	}
	if len(v) == 0 {
		good := verdict{Kind: "good", Text: "All is well: figures are fresh"}
		switch {
		case l.count[Unknown] > 0:
			good.Text += ", and no customer is known to be over its quota"
		case l.count[Within]+l.count[Near] > 0:
			good.Text += " and no customer is over its quota"
		}
		v = append(v, good)
	}
	return v
}

func overVerdict(n int, l listing) verdict {
	over := verdict{Kind: "bad", Text: "1 customer is over its quota:"}
	if n > 1 {
		over.Text = number(n) + " customers are over their quotas:"
	}
	for _, a := range l.over {
		over.Links = append(over.Links, link{Address: roomsAddress("./", a.Prefix), Text: a.title()})
	}
	if n > len(l.over) {
		over.Links = append(over.Links, link{Address: query{sort: byStanding, page: 1}.standingIn(Over).encode(), Text: "and " + number(n-len(l.over)) + " more"})
	}
	if worst, ok := l.over[0].worst(); ok && n == 1 {
		over.More = resourceLabels[worst.resource] + ": " + atLeast(worst.used, worst.unread) + " used; the quota is " + number(worst.limit) + "."
	}
	return over
}

func progress(p Polls) string {
	if p.Pages == 0 {
		return "no page has been read yet"
	}
	const perPage = 100
	return count(p.Pages, "page", "pages") + " read, up to " + number(p.Pages*perPage) + " rooms"
}

func newFilter(l listing) *filter {
	f := &filter{Text: l.text, Sort: string(l.sort), Still: l.still}
	if l.sort == byStanding {
		f.Sort = ""
	}
	if l.descending != descendingFirst[l.sort] {
		f.Order = order(l.descending)
	}
	f.States = append(f.States, link{Address: l.standingIn(standings).encode(), Text: "All", Title: number(l.all), Current: l.standing == standings, Key: "all"})
	for s := range standings {
		if l.standing == s {
			f.State = s.Key()
		}
		if l.count[s] > 0 || l.standing == s || s == Over {
			state := link{Address: l.standingIn(s).encode(), Text: s.String(), Title: number(l.count[s]), Current: l.standing == s, Key: s.Key()}
			if l.count[s] > 0 {
				state.Class = s.Key()
			}
			f.States = append(f.States, state)
		}
	}
	f.Found = count(l.found, "customer", "customers")
	if l.found != l.all {
		f.Found = number(l.found) + " of " + count(l.all, "customer", "customers")
		f.Clear = query{sort: l.sort, descending: l.descending, standing: standings, page: 1, still: l.still}.encode()
	}
	return f
}

func heads(q query, live bool) []headCell {
	columns := []struct {
		column      column
		text, class string
	}{
		{byName, "Customer", ""},
		{byStanding, "State", ""},
		{byUsed, "Quotas", "quotas"},
		{byMinutes, "Minutes", "figure"},
		{byPeople, "Live", "figure"},
		{byRooms, "Rooms", "figure"},
		{byPeriodEnd, "Ends", "figure"},
	}
	var cells []headCell
	for _, c := range columns {
		if c.column == byPeople && !live {
			continue
		}
		cell := headCell{Text: c.text, Class: c.class, Key: string(c.column), Address: q.sortedBy(c.column).encode(), Sort: "none"}
		if q.sort == c.column {
			cell.Sort = "ascending"
			if q.descending {
				cell.Sort = "descending"
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

func newRow(r Report, a assessed) customerRow {
	row := customerRow{
		Key: a.Prefix, Name: a.label(), Prefix: a.Prefix, Namesake: a.Namesake, Standing: a.standing,
		Rooms: roomsAddress("./", a.Prefix),
		Ends:  dayOf(r.Now, a.Period.End), Day: a.Period.End.Format("2 Jan"),
	}
	if a.Known {
		row.RoomCount = number(a.Rooms)
		row.Minutes, row.Unread = atLeast(a.Used.ParticipantMinutes, a.PeriodUsage.Unread), unreadRooms(a.PeriodUsage.Unread)
	}
	if r.Webhooks != nil {
		row.People = number(a.People)
	}
	for _, u := range a.uses {
		row.Uses = append(row.Uses, newUseLine(a.title(), a.Customer, u))
	}
	return row
}

// label returns the name of a customer, or of the rooms that have none.
func (c Customer) label() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Prefix == prefix.None:
		return "Without a prefix"
	case c.Prefix == prefix.Other:
		return "Other prefixes"
	}
	return ""
}

func newUseLine(of string, c Customer, u use) useLine {
	line := useLine{
		Key: string(u.resource), Label: resourceLabels[u.resource], Of: of, Standing: u.standing, Known: u.known,
		Limit: number(u.limit), Used: number(u.used), Percent: percent(u.ratio()),
		Fill: width(u.ratio()), Max: number(100), Now: number(math.Floor(min(u.ratio(), 1) * 100)),
	}
	if c.NearRatio > 0 && u.limit > 0 {
		line.Near = width(c.NearRatio)
	}
	if math.IsInf(u.ratio(), 1) {
		line.Percent = "quota is 0"
	}
	switch {
	case u.resource == config.LiveParticipants:
		line.Outlook = "now"
	case u.unread > 0:
		line.Used, line.Outlook = atLeast(u.used, u.unread), unreadRooms(u.unread)
		if u.limit > 0 {
			line.Percent = "≥ " + line.Percent
		}
	case !u.known:
		line.Percent, line.Outlook, line.Fill = "", "not known yet", "0"
	case u.projects:
		line.Outlook = "≈ " + number(u.projected) + " at end"
		line.Projected, line.Ahead = width(share(u.projected, u.limit)), u.projected > u.used
	default:
		line.Outlook = "too early to say"
	}
	if !u.known && u.unread == 0 {
		line.Used, line.Text = "?", "not known yet, of "+line.Limit
		return line
	}
	line.Text = fmt.Sprintf("%s of %s, %s: %s", line.Used, line.Limit, line.Percent, strings.ToLower(u.standing.String()))
	if u.unread > 0 {
		line.Text += ", " + line.Outlook
	}
	return line
}

// width returns the width of a share of the limit, in the bar's units.
func width(ratio float64) string {
	return fmt.Sprintf("%.4g", min(max(ratio*100, 0), barWidth))
}

func empty(r Report, l listing) string {
	switch {
	case l.found > 0:
		return ""
	case l.all > 0:
		return "No customer matches."
	case r.Polls.AsOf.IsZero():
		return "Customers appear here once the first poll has read the whole account."
	}
	return "The account has no rooms yet. Customers appear here once a room has been created."
}

func newPager(l listing) pager {
	first := (l.page-1)*pageSize + 1
	p := pager{First: number(min(first, l.found)), Last: number(first + len(l.rows) - 1), Found: number(l.found)}
	if l.page > 1 {
		p.Previous = l.onPage(l.page - 1).encode()
	}
	if l.page < l.pages {
		p.Next = l.onPage(l.page + 1).encode()
	}
	return p
}

func newAccount(r Report) accountCard {
	a := assess(r.Account, r.figuresOf(), r.Webhooks != nil)
	card := accountCard{Minutes: "not known yet"}
	if a.Known {
		card.Ends, card.Day = dayOf(r.Now, a.Period.End), a.Period.End.Format("2 Jan")
		card.Minutes, card.Unread = atLeast(a.Used.ParticipantMinutes, a.PeriodUsage.Unread), unreadRooms(a.PeriodUsage.Unread)
		card.Previous = previousPeriod(r.Now, a.Customer)
		card.Cost = a.Costs.current()
	}
	if r.Webhooks != nil {
		card.People, card.LiveRooms = number(r.Webhooks.People), count(r.Webhooks.Rooms, "room", "rooms")
	}
	for _, u := range a.uses {
		card.Uses = append(card.Uses, newUseLine("the whole account", a.Customer, u))
	}
	return card
}

func newPolls(r Report) pollsCard {
	p := r.Polls
	card := pollsCard{
		Kind: "good", Text: "Fresh", Last: stampOf(r.Now, p.Succeeded), Full: stampOf(r.Now, p.FullPoll),
		AsOf: stampOf(r.Now, p.AsOf), Interval: span(p.Interval),
	}
	switch {
	case p.Err != nil:
		card.Kind, card.Text = "bad", "Failing"
		if p.Failing > 1 {
			card.Text = "Failing, " + count(p.Failing, "time", "times") + " in a row"
		}
	case p.Succeeded.IsZero():
		card.Kind, card.Text = "wait", "First poll in progress"
		card.Wait = progress(p)
	case r.Now.Sub(p.Succeeded) > max(silence, 3*p.Interval):
		card.Kind, card.Text = "warn", "Late"
	}
	return card
}

func newPoints(r Report) pointsCard {
	p := r.Points
	card := pointsCard{Spent: number(p.Spent), Allowed: number(p.Allowed), At: stampOf(r.Now, p.At)}
	if !p.At.IsZero() {
		card.Limit, card.Remaining, card.Old = number(p.Limit), number(p.Remaining), r.Now.Sub(p.At) > time.Minute
	}
	return card
}

func newWebhooks(r Report) *webhooksCard {
	w := r.Webhooks
	if w == nil {
		return nil
	}
	card := &webhooksCard{
		Last: stampOf(r.Now, w.LastEvent), Events: number(w.Events), Duplicates: number(w.Duplicates),
		Corrections: number(w.Corrections),
	}
	var sum int64
	for _, rejected := range w.Rejected {
		sum += rejected.N
		if rejected.N > 0 {
			card.Rejected = append(card.Rejected, rejectedLine{strings.ReplaceAll(rejected.Reason, "_", " "), number(rejected.N)})
		}
	}
	card.Rejections = number(sum)
	return card
}
