package wherebytest

import "time"

// Final returns what [Account.Truth] would return if Insights had caught up with everything
// that has happened: without lag, lateness and growth. A deleted room counts with what was
// shown of it, because nothing more will ever be shown.
func (a *Account) Final(prefixOf func(roomName string) string) map[string]PrefixTruth {
	now := a.lock()
	defer a.mu.Unlock()
	all := make(map[string]PrefixTruth)
	prompt := a.prompt()
	for _, r := range a.rooms {
		if !r.ever {
			continue
		}
		prefix := prefixOf(r.name)
		t := all[prefix]
		t.Totals = t.Totals.Add(r.former()).Add(prompt.final(r, now))
		if r.shown {
			t.Rooms++
		}
		all[prefix] = t
	}
	return all
}

// FinalSessions returns what [Account.Sessions] would return if Insights had caught up with
// everything that has happened. It is empty for a room that is not shown.
func (a *Account) FinalSessions(roomName string) []SessionTruth {
	now := a.lock()
	defer a.mu.Unlock()
	return a.prompt().sessions(roomName, now)
}

// prompt returns the account as it would be if Insights showed everything at once. It is
// for looking at only.
func (a *Account) prompt() *Account {
	prompt := &Account{cfg: a.cfg, byName: a.byName, salt: a.salt}
	prompt.cfg.Lag = 0
	prompt.cfg.Insights.LagOf, prompt.cfg.Insights.Lateness = nil, nil
	// Not nil, so that nothing is taken from what the account itself shows.
	prompt.cfg.Insights.Growth = func(string, string) time.Duration { return 0 }
	return prompt
}

// final returns the highest figures of a room up to now.
func (a *Account) final(r *room, now int64) Totals {
	if !r.shown || r.past == nil {
		return r.highest()
	}
	total := r.past.base.Add(r.past.settled)
	for _, s := range r.past.open {
		counted := *s
		shown, _, _ := counted.show(a.progress(r, s, now), a.cast(located{r, s}).legs)
		total = total.Add(shown)
	}
	extra, _ := a.extras(r, now)
	return highest(r.highest(), total.Add(extra))
}
