package statuspage

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// pageSize is the number of customers on a page.
const pageSize = 100

// maxFilter bounds the text that customers are filtered by, in bytes. Nothing longer
// can match: a customer's name has at most 128 characters.
const maxFilter = 512

// column is a column by which customers can be sorted.
type column string

const (
	byStanding  column = "state"
	byName      column = "customer"
	byUsed      column = "used"
	byMinutes   column = "minutes"
	byPeople    column = "live"
	byRooms     column = "rooms"
	byPeriodEnd column = "end"
)

// descendingFirst are the columns that are sorted from the highest value down at first.
var descendingFirst = map[column]bool{byUsed: true, byMinutes: true, byPeople: true, byRooms: true}

// query is which customers to show, and in which order.
type query struct {
	text       string
	standing   Standing // standings means any
	sort       column
	descending bool
	page       int // from 1
	still      bool
}

// parseQuery ignores what it does not understand: an old link should show something.
func parseQuery(v url.Values) query {
	q := query{sort: byStanding, standing: standings, page: 1, still: v.Get("refresh") == "off"}
	if text := strings.TrimSpace(v.Get("q")); len(text) <= maxFilter && utf8.ValidString(text) {
		q.text = text
	}
	for s := range standings {
		if v.Get("state") == s.Key() {
			q.standing = s
		}
	}
	switch c := column(v.Get("sort")); c {
	case byStanding, byName, byUsed, byMinutes, byPeople, byRooms, byPeriodEnd:
		q.sort = c
	}
	q.descending = descendingFirst[q.sort]
	switch v.Get("order") {
	case "asc":
		q.descending = false
	case "desc":
		q.descending = true
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 {
		q.page = n
	}
	return q
}

// encode returns the address that parseQuery understands, without defaults.
func (q query) encode() string {
	v := url.Values{}
	if q.text != "" {
		v.Set("q", q.text)
	}
	if q.standing < standings {
		v.Set("state", q.standing.Key())
	}
	if q.sort != byStanding {
		v.Set("sort", string(q.sort))
	}
	if q.descending != descendingFirst[q.sort] {
		v.Set("order", order(q.descending))
	}
	if q.page > 1 {
		v.Set("page", strconv.Itoa(q.page))
	}
	if q.still {
		v.Set("refresh", "off")
	}
	if len(v) == 0 {
		return "./"
	}
	return "./?" + v.Encode()
}

func order(descending bool) string {
	if descending {
		return "desc"
	}
	return "asc"
}

// sortedBy returns the query for the first page in the order of a column, or in the opposite
// order if it is in that order already.
func (q query) sortedBy(c column) query {
	if q.sort == c {
		q.descending = !q.descending
	} else {
		q.sort, q.descending = c, descendingFirst[c]
	}
	q.page = 1
	return q
}

func (q query) standingIn(s Standing) query {
	q.standing, q.page = s, 1
	return q
}

func (q query) onPage(n int) query {
	q.page = n
	return q
}

// listing is the result of a query.
type listing struct {
	query
	rows  []assessed // of the page
	found int        // on all pages
	pages int
	all   int
	// count is the number of customers by standing, found or not.
	count [standings]int
	over  []assessed // the first that are over a quota, worst first
}

// selectCustomers finds the customers of a query.
func selectCustomers(r Report, q query) listing {
	l := listing{query: q, all: len(r.Customers)}
	needle := strings.ToLower(q.text)
	var found []assessed
	var over []assessed
	for _, c := range r.Customers {
		a := assess(c, r.figuresOf(), r.Webhooks != nil)
		l.count[a.standing]++
		if a.standing == Over {
			over = append(over, a)
		}
		if q.standing < standings && a.standing != q.standing {
			continue
		}
		if needle != "" && !strings.Contains(strings.ToLower(c.label()), needle) && !strings.Contains(strings.ToLower(c.Prefix), needle) {
			continue
		}
		found = append(found, a)
	}
	slices.SortFunc(over, worstFirst)
	l.over = over[:min(len(over), maxNamed)]
	slices.SortFunc(found, q.compare())
	l.found, l.pages = len(found), max(1, (len(found)+pageSize-1)/pageSize)
	l.page = min(q.page, l.pages)
	begin := (l.page - 1) * pageSize
	l.rows = found[begin:min(begin+pageSize, len(found))]
	return l
}

// maxNamed is the number of customers that the head of the page names.
const maxNamed = 3

// figuresOf returns the time of the figures.
func (r Report) figuresOf() time.Time {
	if r.Polls.AsOf.IsZero() {
		return r.Now
	}
	return r.Polls.AsOf
}

// compare returns the order of a query. Equal customers come worst first, so that the order
// is always the same.
func (q query) compare() func(a, b assessed) int {
	var by func(a, b assessed) int
	switch q.sort {
	case byName:
		name := func(a assessed) string { return strings.ToLower(cmp.Or(a.label(), a.Prefix)) }
		by = func(a, b assessed) int { return cmp.Compare(name(a), name(b)) }
	case byUsed:
		by = func(a, b assessed) int { return cmp.Compare(a.highest(), b.highest()) }
	case byMinutes:
		by = func(a, b assessed) int { return cmp.Compare(a.minutes(), b.minutes()) }
	case byPeople:
		by = func(a, b assessed) int { return cmp.Compare(a.People, b.People) }
	case byRooms:
		by = func(a, b assessed) int { return cmp.Compare(a.Rooms, b.Rooms) }
	case byPeriodEnd:
		by = func(a, b assessed) int { return a.Period.End.Compare(b.Period.End) }
	default:
		by = worstFirst
	}
	if q.descending {
		ascending := by
		by = func(a, b assessed) int { return ascending(b, a) }
	}
	return func(a, b assessed) int { return cmp.Or(by(a, b), worstFirst(a, b)) }
}

// worstFirst puts customers over a quota first and those without one last. Among equals,
// those in the configuration file come first, then those that use most.
func worstFirst(a, b assessed) int {
	byUse := 0
	if worst, ok := a.worst(); ok {
		if other, ok := b.worst(); ok {
			byUse = compareUses(worst, other)
		}
	}
	return cmp.Or(
		cmp.Compare(a.standing, b.standing),
		byUse,
		-compareBools(a.Configured(), b.Configured()),
		cmp.Compare(b.minutes(), a.minutes()),
		cmp.Compare(a.Prefix, b.Prefix),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// title returns the name of a customer, with the prefix if another one has the same name.
func (c Customer) title() string {
	if c.Namesake {
		return c.Name + " (" + c.Prefix + ")"
	}
	return cmp.Or(c.label(), c.Prefix)
}

// markNamesakes marks the customers that share a name.
func (r *Report) markNamesakes() {
	named := make(map[string]int)
	for _, c := range r.Customers {
		named[strings.ToLower(c.Name)]++
	}
	for i, c := range r.Customers {
		r.Customers[i].Namesake = c.Name != "" && named[strings.ToLower(c.Name)] > 1
	}
}

// highest returns the largest share of a quota that is certainly used; below 0 without
// quotas.
func (a assessed) highest() float64 {
	highest := -1.0
	for _, u := range a.uses {
		if u.known || u.unread > 0 {
			highest = max(highest, u.ratio())
		}
	}
	return highest
}

// minutes returns the participant minutes of the period that are certain; below 0 before the
// first full poll.
func (a assessed) minutes() int64 {
	if !a.Known {
		return -1
	}
	return a.Used.ParticipantMinutes
}
