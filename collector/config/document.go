package config

import (
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // a container of the binary alone has no database, nor has Windows

	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/billing"
)

func defaultBilling() billing.Calendar { return billing.Calendar{AnchorDay: 1, Zone: time.UTC} }

// document is a Config as the file has it, before it is known to be whole.
type document struct {
	Config
	customers []*customer
	segments  segments
	prices    prices
	limitAt   node // of room_prefixes
}

// config reads a whole document.
func (r *reader) config(root *yaml.Node, o Options) *Config {
	d := &document{Config: *Default()}
	if root == nil {
		return &d.Config
	}
	d.fields(o).read(r, node{}.child(root, ""))
	d.finish(r)
	d.HTTPClient.SetDirectory(filepath.Dir(r.file))
	return &d.Config
}

func (d *document) fields(o Options) mapping {
	limit := whole(1, 1_000_000, "", func(i int64) { d.RoomPrefixes.Limit = int(i) })
	return mapping{
		{name: "http_client", help: "How to connect to Whereby's API: proxy and TLS. The API key is not set here.", value: httpClient{&d.HTTPClient}},
		{name: "room_prefixes", help: "Which prefix a room counts under.", value: mapping{
			{name: "pattern", help: "RE2 expression with one capture group, the prefix. It is matched against names without the slash. By default, the prefix is the name without its trailing UUID.", value: pattern(&d.RoomPrefixes.Pattern)},
			{name: "limit", help: "Largest number of prefixes; more count under _other. 10000 by default, at most 1000000.", value: scalar(func(r *reader, n node) {
				d.limitAt = n
				limit(r, n)
			})},
		}},
		{name: "billing", help: "When billing periods start.", value: mapping{
			{name: "anchor_day", help: "Day of the month, 1 to 31; 29 to 31 mean the last day of shorter months. 1 by default.", value: anchorDay(&d.Billing.AnchorDay)},
			{name: "time_zone", help: "IANA time zone, UTC by default.", value: timeZone(&d.Billing.Zone)},
		}},
		{name: "organization", help: "The whole account.", value: mapping{
			{name: "quotas", help: "Limits. 0 allows nothing; a resource that is not listed has no limit.", value: quotas(&d.Organization.Quotas, OrganizationResources())},
			{name: "room_capacity", help: "People that a room can hold, unless set for its customer: 4 in Whereby's room mode normal, 200 in group. Unknown by default.", value: roomCapacity(&d.Organization.RoomCapacity)},
			{name: "recordings_retention", help: "How long Whereby may store recordings, such as 90d; older ones trigger an alert. No limit by default.", value: retention(&d.Organization.RecordingsRetention)},
		}},
		{name: "customers", help: "Who owns which rooms.", value: list{func() value {
			c := &customer{Customer: Customer{NearRatio: defaultNearRatio}}
			d.customers = append(d.customers, c)
			return c
		}}},
		{name: "segments", help: "Breaks live people down by a part of their external ID or metadata; off by default.", value: &d.segments},
		{name: "quality", help: "How call quality is judged.", value: mapping{
			{name: "poor_after", help: "How long packet loss must stay at 3% or more for a participant to count as poor, from 4s to 1h; 10s by default.", value: poorAfter(&d.Quality.PoorAfter)},
		}},
		{name: "prices", help: "Prices of the minutes that Whereby bills: one mapping, or a list of mappings by date. Without prices, there are no cost metrics. A kind that an entry omits keeps its price.", value: &d.prices},
		{name: "alerts", help: "Changes to the bundled alert rules.", value: alerts{o, &d.Alerts}},
	}
}

func timeZone(to **time.Location) scalar {
	return text(func(s string) string {
		// Local, and an empty name, would differ from machine to machine.
		if zone, err := time.LoadLocation(s); err == nil && s != "" && !strings.EqualFold(s, "local") {
			*to = zone
			return ""
		}
		return "must be the name of an IANA time zone, such as UTC or Europe/Oslo"
	})
}

// finish checks and fills in what depends on more than one field.
func (d *document) finish(r *reader) {
	lines := map[string]int{}
	for _, c := range d.customers {
		if line := lines[c.RoomPrefix]; line > 0 && c.RoomPrefix != "" {
			r.problem(c.at, "is already on line %d; a prefix belongs to one customer", line)
		} else {
			lines[c.RoomPrefix] = c.at.Line
		}
		if c.Name == "" {
			c.Name = nameOf(c.RoomPrefix)
		}
		c.Calendar = d.Billing
		if c.anchorDay > 0 {
			c.Calendar.AnchorDay = c.anchorDay
		}
		if c.RoomCapacity == 0 {
			c.RoomCapacity = d.Organization.RoomCapacity
		}
		d.Customers = append(d.Customers, c.Customer)
	}
	if n := len(d.Customers); n > d.RoomPrefixes.Limit {
		at := d.limitAt
		if at.Node == nil {
			at = node{d.customers[0].at.Node, "customers"}
		}
		r.problem(at, "there are %d customers; room_prefixes.limit, which is %d, must be at least as many", n, d.RoomPrefixes.Limit)
	}
	d.Segments = d.segments.result
	d.Prices = d.prices.finish(r, d.Billing)
}

// Field documents a field of the file.
type Field struct {
	// Path is as in customers[].quotas.sessions; <name> stands for a key that the
	// operator chooses.
	Path string
	// Help says what it is for and what it is by default.
	Help string
}

// Fields returns every field of the file, in the order in which they are
// documented, a section before its fields.
func Fields(o Options) []Field {
	d := &document{Config: *Default()}
	return describe(nil, "", d.fields(o))
}

// described is a value made of others.
type described interface{ fields() mapping }

func describe(fields []Field, path string, v value) []Field {
	switch v := v.(type) {
	case mapping:
		for _, f := range v {
			at := join(path, f.name)
			fields = describe(append(fields, Field{Path: at, Help: f.help}), at, f.value)
		}
	case list:
		fields = describe(fields, path+"[]", v.item())
	case entries:
		at := path + ".<" + v.key + ">"
		fields = describe(fields, at, v.value(""))
	case described:
		fields = describe(fields, path, v.fields())
	}
	return fields
}
