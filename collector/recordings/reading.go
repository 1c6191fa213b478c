package recordings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"whereby_exporter/collector/prefix"
)

// Figures are what some recordings come to.
type Figures struct {
	Recordings int64 `json:"recordings"`
	// Bytes leaves recordings out whose size Whereby does not tell.
	Bytes int64 `json:"bytes"`
	// Oldest is when the first of them began; zero if that is not known of any.
	Oldest time.Time `json:"oldest,omitzero"`
}

// add adds those of other recordings.
func (f *Figures) add(g Figures) {
	f.Recordings += g.Recordings
	f.Bytes += g.Bytes
	if !g.Oldest.IsZero() && (f.Oldest.IsZero() || g.Oldest.Before(f.Oldest)) {
		f.Oldest = g.Oldest
	}
}

// reading is what is kept over a restart. By room it is right under any configuration.
type reading struct {
	// Tried is when the listing was last read, or refused.
	Tried time.Time `json:"tried"`
	// Refusals is how often in a row it was refused.
	Refusals int `json:"refusals,omitempty"`
	// Read is when what follows was read; zero is never.
	Read time.Time `json:"read,omitzero"`
	// Used is true once there was a recording.
	Used bool `json:"used,omitempty"`
	// Rooms are the figures by room; "" are recordings that do not name theirs.
	Rooms map[string]Figures `json:"rooms,omitempty"`
}

func decodeReading(b []byte) (*reading, error) {
	kept := &reading{}
	if len(b) == 0 {
		return kept, nil
	}
	if err := json.Unmarshal(b, kept); err != nil {
		return nil, fmt.Errorf("decode the reading of recordings: %w", err)
	}
	return kept, nil
}

// View is a reading by room prefix. It is immutable.
type View struct {
	// Read is when the listing was read.
	Read    time.Time
	Account Figures
	// Prefixes are sorted by prefix. They sum to Account.
	Prefixes []PrefixFigures
}

// PrefixFigures are those of a room prefix.
type PrefixFigures struct {
	Prefix string
	Figures
}

// view sums a reading; nil if there is nothing to show.
func (r *reading) view(label func(roomName string) string) *View {
	if r.Read.IsZero() || !r.Used {
		return nil
	}
	v := &View{Read: r.Read}
	byPrefix := map[string]*Figures{}
	for name, figures := range r.Rooms {
		under := prefix.None
		if name != "" {
			under = label(name)
		}
		sum := byPrefix[under]
		if sum == nil {
			sum = &Figures{}
			byPrefix[under] = sum
		}
		sum.add(figures)
		v.Account.add(figures)
	}
	for _, under := range slices.Sorted(maps.Keys(byPrefix)) {
		v.Prefixes = append(v.Prefixes, PrefixFigures{under, *byPrefix[under]})
	}
	return v
}
