package cost_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/config"
	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
)

// disk keeps a book, if it is not full.
type disk struct {
	content []byte
	full    bool
}

func (d *disk) Load() ([]byte, error) { return d.content, nil }

func (d *disk) Save(content []byte) error {
	if d.full {
		return errors.New("the disk is full")
	}
	d.content = content
	return nil
}

func day(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

// list returns a price list: of participant minutes, each with the day from which on it holds.
func list(currency string, steps ...any) *config.Prices {
	p := &config.Prices{Currency: currency}
	for i := 0; i < len(steps); i += 2 {
		p.Steps = append(p.Steps, config.PriceStep{
			Start: steps[i].(time.Time), Prices: map[config.Kind]config.Amount{config.ParticipantMinute: config.Amount(steps[i+1].(int))},
		})
	}
	return p
}

// minutes are used by acme-: lifetime, and since marks for certain and perhaps.
type minutes struct {
	lifetime int64
	since    map[time.Time][2]int64 // used, open
}

func (m minutes) snapshot(marks []int64) *ledger.Snapshot {
	u := ledger.PrefixUsage{Prefix: "acme-", Totals: ledger.Totals{ParticipantMinutes: m.lifetime}}
	u.Period = billing.Calendar{}.At(day(time.March, 10))
	u.Used.ParticipantMinutes = m.lifetime
	for _, mark := range marks {
		n := m.since[time.Unix(mark, 0).UTC()]
		s := ledger.Since{Start: mark, Used: ledger.Totals{ParticipantMinutes: n[0]}, Open: ledger.Totals{ParticipantMinutes: n[1]}}
		if n[1] > 0 {
			s.Unread = 1
		}
		u.Since = append(u.Since, s)
	}
	return &ledger.Snapshot{Prefixes: []ledger.PrefixUsage{u}}
}

// charger is a book on a disk.
type charger struct {
	*testing.T
	disk *disk
	book *cost.Book
	now  time.Time
}

func (c *charger) open() {
	c.Helper()
	var err error
	if c.book, err = cost.Open(c.disk); err != nil {
		c.Fatal(err)
	}
}

// expect puts a list in force and charges. A want below 0 is no counter.
func (c *charger) expect(p *config.Prices, m minutes, want config.Amount) {
	c.Helper()
	tariff := c.book.Revised(p, billing.Calendar{}, c.now)
	c.book.Use(tariff)
	f, err := c.book.Charge(m.snapshot(tariff.Marks()), nil)
	if (err != nil) != c.disk.full {
		c.Errorf("the error is %v", err)
	}
	var charged []cost.Cost
	if want >= 0 {
		charged = []cost.Cost{{Kind: config.ParticipantMinute, Amount: want}}
	}
	if f == nil || !reflect.DeepEqual(f.Prefixes[0].Charged, charged) {
		c.Errorf("%+v are charged; want %v", f, charged)
	}
}

func TestCountersNeverFall(t *testing.T) {
	c := &charger{T: t, disk: &disk{}, now: day(time.March, 10)}
	c.open()
	ever, since := time.Time{}, func(day time.Time, used, open int64) map[time.Time][2]int64 {
		return map[time.Time][2]int64{day: {used, open}}
	}
	c.expect(list("USD", ever, 4), minutes{lifetime: 100}, 400)
	// Edited downwards, the counter waits; the period begins on the 1st.
	c.expect(list("USD", ever, 1), minutes{100, since(day(time.March, 1), 100, 0)}, 400)
	c.open()
	c.expect(list("USD", ever, 1), minutes{300, since(day(time.March, 1), 300, 0)}, 400)
	c.expect(list("USD", ever, 1), minutes{600, since(day(time.March, 1), 600, 0)}, 600)
	// A month later, that is history. A price that falls with an unread room is taken for
	// the lowest.
	c.now = day(time.April, 2)
	falls := list("USD", ever, 8, day(time.April, 10), 5)
	march := func(used, open int64) minutes {
		return minutes{1000, map[time.Time][2]int64{day(time.March, 1): {1000, 0}, day(time.April, 1): {300, 0}, day(time.April, 10): {used, open}}}
	}
	c.expect(falls, march(0, 0), 700+300*8)
	c.expect(falls, march(100, 100), 700+300*8) // the truth is between 100 and 200 for 5
	c.open()
	c.expect(falls, march(0, 0), 700+300*8)
	// Another currency has nothing to do with the one before.
	c.expect(list("EUR", ever, 1), minutes{lifetime: 1000}, 1000)
	c.open()
	c.expect(list("EUR", ever, 1), minutes{lifetime: 1000}, 1000)
	if f, err := c.book.Charge((minutes{}).snapshot(nil), nil); err != nil || f == nil || f.Currency != "EUR" {
		t.Errorf("the figures are %+v (%v)", f, err)
	}
}

func TestACounterAppearsOnceItIsExact(t *testing.T) {
	c := &charger{T: t, disk: &disk{}, now: day(time.March, 10)}
	c.open()
	p := list("USD", time.Time{}, 2, day(time.March, 5), 3)
	m := minutes{100, map[time.Time][2]int64{day(time.March, 5): {10, 50}}}
	c.expect(p, m, -1)
	m.since[day(time.March, 5)] = [2]int64{30, 0}
	c.expect(p, m, 230)
	m = minutes{120, map[time.Time][2]int64{day(time.March, 5): {30, 20}}}
	c.expect(p, m, 270)
	// If it cannot be made durable, it stands still.
	c.disk.full = true
	m = minutes{220, map[time.Time][2]int64{day(time.March, 5): {150, 0}}}
	c.expect(p, m, 270)
	c.disk.full = false
	c.expect(p, m, 590)
}

func TestWithoutPricesThereAreNoCosts(t *testing.T) {
	c := &charger{T: t, disk: &disk{}, now: day(time.March, 10)}
	c.open()
	c.book.Use(c.book.Revised(nil, billing.Calendar{}, c.now))
	if f, err := c.book.Charge(minutes{lifetime: 10}.snapshot(nil), nil); f != nil || err != nil || c.disk.content != nil {
		t.Errorf("there are %+v (%v), and %q is kept", f, err, c.disk.content)
	}
}
