package quality

import (
	"cmp"
	"slices"
)

// View is the sampler's state at a moment.
type View struct {
	// Prefixes are sorted by label.
	Prefixes []PrefixView
	// Devices are sorted.
	Devices []DeviceView
}

// PrefixView is the view of a room prefix.
type PrefixView struct {
	Prefix string
	// Figures are lifetime figures, their Hours nil; Day is the sum of the last 24 hours.
	Figures
	Day Hour
}

// DeviceView is the number of sampled participants with a device.
type DeviceView struct {
	Device
	Participants int64
}

// Kept returns how many sessions are remembered.
func (s *Sampler) Kept() int {
	s.visible.RLock()
	defer s.visible.RUnlock()
	kept := 0
	for _, list := range s.state.rooms {
		kept += len(list)
	}
	return kept
}

// View returns the current view.
func (s *Sampler) View() *View {
	now := s.config.Now()
	s.visible.RLock()
	defer s.visible.RUnlock()
	v := &View{Prefixes: make([]PrefixView, 0, len(s.state.prefixes))}
	for label, figures := range s.state.prefixes {
		p := PrefixView{Prefix: label, Figures: *figures, Day: figures.lastDay(now)}
		p.Hours = nil
		v.Prefixes = append(v.Prefixes, p)
	}
	slices.SortFunc(v.Prefixes, func(a, b PrefixView) int { return cmp.Compare(a.Prefix, b.Prefix) })
	for device, n := range s.state.devices {
		v.Devices = append(v.Devices, DeviceView{device, n})
	}
	slices.SortFunc(v.Devices, func(a, b DeviceView) int {
		return cmp.Or(cmp.Compare(a.Browser, b.Browser), cmp.Compare(a.OS, b.OS))
	})
	return v
}
