package config

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"whereby_exporter/collector/billing"
)

// Prices are the prices of the minutes that Whereby bills.
type Prices struct {
	// Currency is a code of three capital letters, such as USD.
	Currency string
	// Steps are sorted by date. The first has no date if it has always applied.
	Steps []PriceStep
}

// PriceStep is a change of prices.
type PriceStep struct {
	// Start is the first instant of the day from which the prices apply, in the time zone of
	// Config.Billing, to sessions that start then or later. Zero means they have always applied.
	Start time.Time
	// Prices are all prices from then on, including those that the step does not change.
	Prices map[Kind]Amount
}

// Kind is something with a price, by its name in the file and in metrics.
type Kind string

// The kinds: a minute of each.
const (
	ParticipantMinute   Kind = "participant_minute"
	RecorderMinute      Kind = "recorder_minute"
	StreamerMinute      Kind = "streamer_minute"
	TranscriptionMinute Kind = "transcription_minute"
)

// Kinds returns all kinds, in the order in which they are documented.
func Kinds() []Kind {
	return []Kind{ParticipantMinute, RecorderMinute, StreamerMinute, TranscriptionMinute}
}

// Amount is money, in sixtieths of a millionth of the currency's unit: so small that a
// second costs a whole number if a minute costs one of millionths, and sums are exact.
type Amount int64

// Unit is one whole unit of the currency.
const Unit Amount = 60_000_000

// Float returns the amount in the currency's unit.
func (a Amount) Float() float64 { return float64(a) / float64(Unit) }

// prices is the section prices: one step, or a list of them.
type prices struct {
	steps []*priceStep
}

// priceStep is a PriceStep as the file has it.
type priceStep struct {
	currency string
	// day is the midnight in UTC of the date; zero is none.
	day        time.Time
	prices     map[Kind]Amount
	at         node
	currencyAt node
	dayAt      node
	wrong      bool // a price or the date could not be read
}

func (p *prices) step() *priceStep {
	step := &priceStep{prices: map[Kind]Amount{}}
	p.steps = append(p.steps, step)
	return step
}

func (p *prices) read(r *reader, n node) {
	switch {
	case n.Kind == yaml.SequenceNode:
		list{func() value { return p.step() }}.read(r, n)
	case n.Kind == yaml.MappingNode && len(n.Content) == 0 || n.isNull():
		// An empty section requests no prices.
	default:
		p.step().read(r, n)
	}
}

func (*prices) fields() mapping { return (&priceStep{}).fields() }

func (s *priceStep) read(r *reader, n node) {
	s.at = n
	before := len(r.problems)
	s.fields().read(r, n)
	s.wrong = len(r.problems) > before
}

var kindHelp = map[Kind]string{
	ParticipantMinute:   "Price of a participant minute, with up to 6 decimals.",
	RecorderMinute:      "Price of a recorder minute.",
	StreamerMinute:      "Price of a streamer minute.",
	TranscriptionMinute: "Price of a transcription minute.",
}

func (s *priceStep) fields() mapping {
	day, currency := date(&s.day), text(func(code string) string {
		s.currency = code
		if !currencyCode.MatchString(code) {
			return "must be a code of three capital letters, such as USD"
		}
		return ""
	})
	m := mapping{
		{name: "from", help: "First day of these prices, such as 2026-01-31. They apply to sessions that start then or later. The first entry of a list may omit it.",
			value: scalar(func(r *reader, n node) { s.dayAt = n; day(r, n) })},
		{name: "currency", help: "Currency code, such as USD; the same for all prices.",
			value: scalar(func(r *reader, n node) { s.currencyAt = n; currency(r, n) })},
	}
	for _, kind := range Kinds() {
		m = append(m, field{name: string(kind), help: kindHelp[kind], value: price(func(a Amount) { s.prices[kind] = a })})
	}
	return m
}

var (
	currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)
	dateForm     = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	priceForm    = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,6})?$`)
)

// date returns a day, as its midnight in UTC.
func date(to *time.Time) scalar {
	return func(r *reader, n node) {
		day, err := time.Parse(time.DateOnly, n.Value)
		if n.Kind != yaml.ScalarNode || err != nil || !dateForm.MatchString(n.Value) || day.Year() < 1970 {
			r.problem(n, "must be a date such as 2026-01-31")
			return
		}
		*to = day
	}
}

// price returns an amount in plain digits, read without a rounding error.
func price(accept func(Amount)) scalar {
	return func(r *reader, n node) {
		switch {
		case !r.isNumber(n):
		case strings.HasPrefix(n.Value, "-"):
			r.problem(n, "must not be below 0")
		case !priceForm.MatchString(n.Value):
			r.problem(n, "must be a number below 10000 in plain digits with at most 6 decimals, such as 0.004")
		default:
			accept(amountOf(n.Value))
		}
	}
}

// amountOf parses text that matches priceForm.
func amountOf(digits string) Amount {
	whole, fraction, _ := strings.Cut(digits, ".")
	micros, _ := strconv.ParseInt(whole+(fraction + "000000")[:6], 10, 64)
	return Amount(micros) * (Unit / 1_000_000)
}

// finish checks the steps against each other, and returns nil if there are none.
func (p *prices) finish(r *reader, calendar billing.Calendar) *Prices {
	if len(p.steps) == 0 {
		return nil
	}
	result := &Prices{}
	known := map[Kind]Amount{}
	var before *priceStep
	for _, step := range p.steps {
		result.Currency = step.checkCurrency(r, before == nil, result.Currency)
		if len(step.prices) == 0 && !step.wrong {
			r.problem(step.at, "has no price; set at least one of %s", strings.Join(kindNames(), ", "))
		}
		if before != nil && !step.wrong && !before.wrong {
			step.checkDate(r, before)
		}
		before = step
		known = maps.Clone(known)
		maps.Copy(known, step.prices)
		s := PriceStep{Prices: known}
		if !step.day.IsZero() {
			s.Start = calendar.Day(step.day.Date())
		}
		result.Steps = append(result.Steps, s)
	}
	return result
}

func (s *priceStep) checkCurrency(r *reader, first bool, currency string) string {
	given := s.currencyAt.Node != nil
	switch {
	case first && !given:
		if !s.wrong {
			r.problem(s.at, "currency is missing; set one such as USD")
		}
		return ""
	case first:
		return s.currency
	case given && currency != "" && s.currency != currency && currencyCode.MatchString(s.currency):
		r.problem(s.currencyAt, "must be %s, as in the first entry: all prices have one currency", currency)
	}
	return currency
}

func (s *priceStep) checkDate(r *reader, before *priceStep) {
	switch {
	case s.day.IsZero():
		r.problem(s.at, "from is missing; only the first entry may omit it")
	case s.day.Equal(before.day):
		r.problem(s.dayAt, "repeats the date of the previous entry")
	case s.day.Before(before.day):
		r.problem(s.dayAt, "must be after the date of the previous entry; order the entries by date")
	}
}

func kindNames() []string {
	var names []string
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return names
}
