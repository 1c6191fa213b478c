package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/ledger"
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
	Charged map[string]map[config.Kind]config.Amount `json:"charged"`
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

// Revised is the tariff of a price list: that of the book for the billing periods of the
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

// Figures are costs to be shown. Kinds that have no price are left out.
type Figures struct {
	Currency string
	// Prefixes are those of the snapshot, in its order.
	Prefixes []Prefix
	Account  Period
}

// Prefix are the costs of a room prefix.
type Prefix struct {
	Prefix string
	// Charged is what all its sessions cost: nothing of it falls. It lacks what was never
	// known yet.
	Charged []Cost
	// Unread counts the rooms of which it is not known at which price they were used.
	Unread int64
	Period
}

// Period are the costs of billing periods, nil if they are not known.
type Period struct{ Current, Previous []Cost }

// Cost is what was used of a kind comes to.
type Cost struct {
	Kind   config.Kind
	Amount config.Amount
}

// Charge works out what a snapshot's usage costs, and makes the counters durable. It
// returns nil if there are no prices. After an error the counters are those from before.
func (b *Book) Charge(s *ledger.Snapshot) (*Figures, error) {
	if b.tariff.Currency == "" {
		return nil, nil
	}
	before := b.saved.Charged
	if b.saved.Currency != b.tariff.Currency {
		before = nil
	}
	charged, changed := b.tariff.charged(s, before)
	var err error
	if changed || !b.saved.equal(b.tariff) {
		if err = b.save(record{Tariff: b.tariff, Charged: charged}); err != nil {
			charged = before
		}
	}
	return b.tariff.figures(s, charged), err
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

// charged raises what was charged before to what a snapshot's usage costs.
func (t Tariff) charged(s *ledger.Snapshot, before map[string]map[config.Kind]config.Amount) (after map[string]map[config.Kind]config.Amount, changed bool) {
	after = maps.Clone(before)
	if after == nil {
		after = map[string]map[config.Kind]config.Amount{}
	}
	priced := t.priced()
	for i := range s.Prefixes {
		usage := &s.Prefixes[i]
		cloned := false
		for _, k := range priced {
			cost, exact := t.lifetime(k, usage)
			known, ok := after[usage.Prefix][k.Kind]
			if ok && cost <= known || !ok && !exact {
				continue
			}
			if !cloned {
				inner := maps.Clone(after[usage.Prefix])
				if inner == nil {
					inner = map[config.Kind]config.Amount{}
				}
				after[usage.Prefix], cloned, changed = inner, true, true
			}
			after[usage.Prefix][k.Kind] = cost
		}
	}
	return after, changed
}

// figures are the costs of a snapshot, with what was charged.
func (t Tariff) figures(s *ledger.Snapshot, charged map[string]map[config.Kind]config.Amount) *Figures {
	priced := t.priced()
	f := &Figures{Currency: t.Currency, Prefixes: make([]Prefix, len(s.Prefixes)), Account: t.period(priced, &s.Account)}
	for i := range s.Prefixes {
		usage := &s.Prefixes[i]
		p := &f.Prefixes[i]
		*p = Prefix{Prefix: usage.Prefix, Unread: t.unread(usage), Period: t.period(priced, &usage.PeriodUsage)}
		for _, k := range kinds {
			if amount, ok := charged[usage.Prefix][k.Kind]; ok {
				p.Charged = append(p.Charged, Cost{Kind: k.Kind, Amount: amount})
			}
		}
	}
	return f
}

// period are the costs of a usage's billing periods.
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
