package cost

import (
	"maps"
	"slices"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/transcriptions"
)

// kind is something that has a price, and how much of it was used.
type kind struct {
	config.Kind
	used func(ledger.Totals) int64
}

// kinds are those that sessions use, in the order in which they are exposed. What
// transcriptions cost comes after them.
var kinds = [...]kind{
	{config.ParticipantMinute, func(t ledger.Totals) int64 { return t.ParticipantMinutes }},
	{config.RecorderMinute, func(t ledger.Totals) int64 { return t.RecorderMinutes }},
	{config.StreamerMinute, func(t ledger.Totals) int64 { return t.StreamerMinutes }},
}

// Tariff says what a minute costs by when its session started.
type Tariff struct {
	// Currency is "" if there are no prices.
	Currency string `json:"currency"`
	// Steps are in the order of their starts.
	Steps []Step `json:"steps"`
}

// Step is from when on prices hold.
type Step struct {
	// Start is in seconds since 1970; 0 is since ever.
	Start  int64                         `json:"start"`
	Prices map[config.Kind]config.Amount `json:"prices"`
}

// NewTariff is that of a price list; nil has none.
func NewTariff(p *config.Prices) Tariff {
	if p == nil {
		return Tariff{}
	}
	t := Tariff{Currency: p.Currency}
	for _, step := range p.Steps {
		t.Steps = append(t.Steps, Step{Start: ledger.Seconds(step.Start), Prices: step.Prices})
	}
	return t
}

// Price is what a minute of a session costs that started at a time.
func (t Tariff) Price(kind config.Kind, start int64) config.Amount {
	var price config.Amount
	for _, step := range t.Steps {
		if step.Start > start {
			break
		}
		price = step.Prices[kind]
	}
	return price
}

// Marks returns the times at which a price of what sessions use changes.
func (t Tariff) Marks() []int64 {
	var marks []int64
	for _, step := range t.Steps {
		if step.Start == 0 {
			continue
		}
		if slices.ContainsFunc(kinds[:], func(k kind) bool { return t.change(k.Kind, step.Start) != 0 }) {
			marks = append(marks, step.Start)
		}
	}
	return marks
}

// Kinds are those that have costs.
func (t Tariff) Kinds() []config.Kind {
	return slices.DeleteFunc(config.Kinds(), func(k config.Kind) bool { return !t.Has(k) })
}

// Has reports whether a kind has a price at some time.
func (t Tariff) Has(kind config.Kind) bool {
	return slices.ContainsFunc(t.Steps, func(s Step) bool { _, ok := s.Prices[kind]; return ok })
}

// priced returns the kinds that sessions use and that have a price at some time.
func (t Tariff) priced() []kind {
	return slices.DeleteFunc(slices.Clone(kinds[:]), func(k kind) bool { return !t.Has(k.Kind) })
}

// Rates returns the prices of transcriptions; nil if they have none.
func (t Tariff) Rates() transcriptions.Rates {
	if !t.Has(config.TranscriptionMinute) {
		return nil
	}
	var rates transcriptions.Rates
	for _, step := range t.Steps {
		rates = append(rates, transcriptions.Rate{Start: step.Start * 1000, Minute: int64(step.Prices[config.TranscriptionMinute])})
	}
	return rates
}

// revised is t before a time, and the later tariff from then on.
func (t Tariff) revised(later Tariff, from int64) Tariff {
	revised := Tariff{Currency: later.Currency}
	for _, step := range t.Steps {
		if step.Start < from {
			revised.Steps = append(revised.Steps, step)
		}
	}
	present := Step{Start: from}
	var further []Step
	for _, step := range later.Steps {
		if step.Start > from {
			further = append(further, step)
		} else {
			present.Prices = step.Prices
		}
	}
	if n := len(revised.Steps); n == 0 || !maps.Equal(revised.Steps[n-1].Prices, present.Prices) {
		revised.Steps = append(revised.Steps, present)
	}
	revised.Steps = append(revised.Steps, further...)
	return revised
}

// equal reports whether two tariffs are the same.
func (t Tariff) equal(o Tariff) bool {
	return t.Currency == o.Currency && slices.EqualFunc(t.Steps, o.Steps, func(a, b Step) bool {
		return a.Start == b.Start && maps.Equal(a.Prices, b.Prices)
	})
}

// change is by how much a price changes at a time.
func (t Tariff) change(kind config.Kind, at int64) config.Amount {
	return t.Price(kind, at) - t.Price(kind, at-1)
}

// of is what an amount for each minute comes to.
func (k kind) of(t ledger.Totals, each config.Amount) config.Amount {
	return config.Amount(k.used(t)) * each
}

// lifetime is what all sessions of a prefix cost at least; exact is true if that is what
// they cost.
func (t Tariff) lifetime(k kind, u *ledger.PrefixUsage) (cost config.Amount, exact bool) {
	cost, exact = k.of(u.Totals, t.Price(k.Kind, 0)), true
	for _, since := range u.Since {
		change := t.change(k.Kind, since.Start)
		used := since.Used.Add(since.Moved)
		if change < 0 {
			used = used.Add(since.Open) // the lower price may hold for it
		}
		cost += k.of(used, change)
		exact = exact && (change == 0 || since.Unread == 0)
	}
	return cost, exact
}

// current is what the sessions of a prefix's or the account's billing period cost so far.
func (t Tariff) current(k kind, u *ledger.PeriodUsage) (cost config.Amount, known bool) {
	start := u.Period.Start.Unix()
	cost, known = k.of(u.Used, t.Price(k.Kind, start)), u.Known()
	for _, since := range u.Since {
		if change := t.change(k.Kind, since.Start); since.Start > start && change != 0 {
			cost += k.of(since.Used, change)
			known = known && since.Unread == 0
		}
	}
	return cost, known
}

// previous is what those of the billing period before cost.
func (t Tariff) previous(k kind, u *ledger.PeriodUsage) (cost config.Amount, known bool) {
	start, end := u.Previous.Period.Start.Unix(), u.Previous.Period.End.Unix()
	cost, known = k.of(u.Previous.Used, t.Price(k.Kind, start)), u.Previous.Unread == 0
	for _, since := range u.Since {
		if change := t.change(k.Kind, since.Start); since.Start > start && since.Start < end && change != 0 {
			cost += k.of(since.Used.Sub(u.Used), change)
			known = known && since.Unread == 0 && u.Known()
		}
	}
	return cost, known
}

// unread counts the rooms for which the costs of a prefix wait.
func (t Tariff) unread(u *ledger.PrefixUsage) int64 {
	var rooms int64
	for _, since := range u.Since {
		rooms = max(rooms, since.Unread)
	}
	return rooms
}
