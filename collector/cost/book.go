package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/transcriptions"
)

// Store keeps a book across restarts.
type Store interface {
	// Load returns what was last saved, or nil.
	Load() ([]byte, error)
	// Save makes it durable as a whole, or returns an error and changes nothing.
	Save(content []byte) error
}

// Book keeps the tariff in force and what was charged by it. It is used by one goroutine at
// a time.
type Book struct {
	store Store
	saved record
	// tariff is what is charged by; saved with the next figures.
	tariff Tariff
}

// record is what a store holds.
type record struct {
	Tariff
	// Charged are the highest costs by prefix and kind.
	Charged amounts `json:"charged"`
}

// Open reads a book. It has no prices until [Book.Use] is called.
func Open(store Store) (*Book, error) {
	b := &Book{store: store}
	content, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("read what was charged: %w", err)
	}
	if content == nil {
		return b, nil
	}
	if err := json.Unmarshal(content, &b.saved); err != nil {
		return nil, fmt.Errorf("read what was charged: %w", err)
	}
	return b, nil
}

// Revised returns the tariff of a price list: that of the book for the billing periods of the
// account that are over, and the list's from the start of the present one on. A list in
// another currency, or the first one, holds since ever.
func (b *Book) Revised(p *config.Prices, account billing.Calendar, now time.Time) Tariff {
	before := b.saved.Tariff
	if b.tariff.Currency != "" {
		before = b.tariff // it may not have been saved
	}
	if p == nil || p.Currency != before.Currency {
		return NewTariff(p)
	}
	return before.revised(NewTariff(p), account.At(now).Start.Unix())
}

// Use puts a tariff in force. The ledger has to know its marks.
func (b *Book) Use(t Tariff) { b.tariff = t }

// Rates returns the prices of transcriptions in force: those by which the snapshots that are
// charged have to have costs.
func (b *Book) Rates() transcriptions.Rates { return b.tariff.Rates() }

// Figures are costs to be shown. Kinds that have no price are left out.
type Figures struct {
	Currency string
	// Kinds are those that have costs.
	Kinds []config.Kind
	// Prefixes are those of sessions and of transcriptions, sorted.
	Prefixes []Prefix
	Account  Period
}

// Prefix are the costs of a room prefix.
type Prefix struct {
	Prefix string
	// Charged is what all its sessions and transcriptions cost: nothing of it falls. It
	// lacks what was never known yet.
	Charged []Cost
	// Unread counts the rooms of which it is not known at which price they were used.
	Unread int64
	Period
}

// Period are the costs of billing periods. They lack the kinds whose costs are not known.
type Period struct{ Current, Previous []Cost }

// Cost is what was used of a kind comes to.
type Cost struct {
	Kind   config.Kind
	Amount config.Amount
}

// usage is what is charged: the snapshot of the sessions, and that of the transcriptions,
// nil if those have no costs.
type usage struct {
	sessions    *ledger.Snapshot
	transcribed *transcriptions.Snapshot
}

// prefixes are those of either, sorted.
func (u usage) prefixes() []string {
	var all []string
	for i := range u.sessions.Prefixes {
		all = append(all, u.sessions.Prefixes[i].Prefix)
	}
	if u.transcribed != nil {
		for i := range u.transcribed.Prefixes {
			all = append(all, u.transcribed.Prefixes[i].Prefix)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Charge computes what snapshots' usage costs, and makes the counters durable. It returns
// nil if there are no prices. Without figures of transcriptions, those have no costs. After
// an error the counters are those from before.
func (b *Book) Charge(s *ledger.Snapshot, transcribed *transcriptions.Snapshot) (*Figures, error) {
	if b.tariff.Currency == "" {
		return nil, nil
	}
	u := usage{sessions: s}
	if b.tariff.Has(config.TranscriptionMinute) && transcribed.Shown() {
		u.transcribed = transcribed
	}
	before := b.saved.Charged
	if b.saved.Currency != b.tariff.Currency {
		before = nil
	}
	charged, changed := b.tariff.charged(u, before)
	var err error
	if changed || !b.saved.equal(b.tariff) {
		if err = b.save(record{Tariff: b.tariff, Charged: charged}); err != nil {
			charged = before
		}
	}
	return b.tariff.figures(u, charged), err
}

func (b *Book) save(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := b.store.Save(content); err != nil {
		return fmt.Errorf("write what was charged: %w", err)
	}
	b.saved = r
	return nil
}

// amounts are the costs of prefixes by kind. They are not changed once they are saved.
type amounts map[string]map[config.Kind]config.Amount

// charged raises what was charged before to what usage costs.
func (t Tariff) charged(u usage, before amounts) (after amounts, changed bool) {
	after = maps.Clone(before)
	if after == nil {
		after = amounts{}
	}
	cloned := map[string]bool{}
	raise := func(prefix string, kind config.Kind, cost config.Amount, exact bool) {
		known, ok := after[prefix][kind]
		if ok && cost <= known || !ok && !exact {
			return
		}
		if !cloned[prefix] {
			inner := maps.Clone(after[prefix])
			if inner == nil {
				inner = map[config.Kind]config.Amount{}
			}
			after[prefix], cloned[prefix], changed = inner, true, true
		}
		after[prefix][kind] = cost
	}
	priced := t.priced()
	for i := range u.sessions.Prefixes {
		usage := &u.sessions.Prefixes[i]
		for _, k := range priced {
			cost, exact := t.lifetime(k, usage)
			raise(usage.Prefix, k.Kind, cost, exact)
		}
		if u.transcribed != nil {
			// Prefixes without any have 0, so that increase() sees the first.
			raise(usage.Prefix, config.TranscriptionMinute, 0, u.transcribed.Prefix(usage.Prefix).Known)
		}
	}
	if u.transcribed != nil {
		for i := range u.transcribed.Prefixes {
			p := &u.transcribed.Prefixes[i]
			raise(p.Prefix, config.TranscriptionMinute, config.Amount(p.Cost), u.transcribed.Prefix(p.Prefix).Known)
		}
	}
	return after, changed
}

// figures returns the costs of usage, with what was charged.
func (t Tariff) figures(u usage, charged amounts) *Figures {
	priced, sessions := t.priced(), u.sessions.Prefixes
	f := &Figures{Currency: t.Currency, Account: t.period(priced, &u.sessions.Account)}
	for _, k := range priced {
		f.Kinds = append(f.Kinds, k.Kind)
	}
	if u.transcribed != nil {
		f.Kinds = append(f.Kinds, config.TranscriptionMinute)
		f.Account.add(u.transcribed.Account())
	}
	for _, prefix := range u.prefixes() {
		p := Prefix{Prefix: prefix}
		if len(sessions) > 0 && sessions[0].Prefix == prefix {
			p.Unread, p.Period = t.unread(&sessions[0]), t.period(priced, &sessions[0].PeriodUsage)
			sessions = sessions[1:]
		}
		if u.transcribed != nil {
			p.add(u.transcribed.Prefix(prefix))
		}
		for _, kind := range config.Kinds() {
			if amount, ok := charged[prefix][kind]; ok {
				p.Charged = append(p.Charged, Cost{Kind: kind, Amount: amount})
			}
		}
		f.Prefixes = append(f.Prefixes, p)
	}
	return f
}

// period returns the costs of what sessions used in billing periods.
func (t Tariff) period(priced []kind, u *ledger.PeriodUsage) Period {
	var p Period
	for _, k := range priced {
		if amount, known := t.current(k, u); known {
			p.Current = append(p.Current, Cost{Kind: k.Kind, Amount: amount})
		}
		if amount, known := t.previous(k, u); known {
			p.Previous = append(p.Previous, Cost{Kind: k.Kind, Amount: amount})
		}
	}
	return p
}

// add adds what transcriptions cost, if that is known.
func (p *Period) add(u transcriptions.Usage) {
	if !u.Known {
		return
	}
	p.Current = append(p.Current, Cost{Kind: config.TranscriptionMinute, Amount: config.Amount(u.Cost)})
	p.Previous = append(p.Previous, Cost{Kind: config.TranscriptionMinute, Amount: config.Amount(u.PreviousCost)})
}
