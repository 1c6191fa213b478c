package quality

import "fmt"

// Follow shows what another process has counted: figures of prefixes, and devices. Its
// sessions matter from [Sampler.Reload] on.
func (s *Sampler) Follow(records []Record) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	followed := &state{rooms: map[string][]*session{}, prefixes: map[string]*Figures{}, devices: map[Device]int64{}}
	devices := false
	for _, r := range records {
		if r.isSession() {
			continue
		}
		devices = devices || r.Key == deviceKey
		if err := followed.restore(r); err != nil {
			return fmt.Errorf("follow call quality: %w", err)
		}
	}
	s.visible.Lock()
	defer s.visible.Unlock()
	for label, figures := range followed.prefixes {
		s.state.prefixes[label] = figures
	}
	if devices {
		s.state.devices = followed.devices
	}
	return nil
}

// Reload goes on from what the store has now, as [Open] does.
func (s *Sampler) Reload() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	state, err := load(s.config.Store)
	if err != nil {
		return err
	}
	s.visible.Lock()
	defer s.visible.Unlock()
	s.begin(state)
	return nil
}
