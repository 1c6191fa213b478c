package wherebytest

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Adversary is an account in which everything that Whereby leaves open was drawn at
// random, for tests of readers that must be right whatever Whereby does:
//
//	adversary := wherebytest.NewAdversary(seed, time.Now(), 24*time.Hour)
//	t.Log(adversary)
//	account := wherebytest.New(adversary.Config)
//	adversary.Furnish(account)
//	go adversary.Run(ctx, account)
//
// The same arguments make the same account. What a test is not about can be taken out
// of Config before it is used. Rows that are odd and answers that are empty are so for
// the first half of the time, or forever where nothing but the sessions of a room is
// concerned.
type Adversary struct {
	Config Config
	// People determines what people do besides meeting; the zero value means nothing. It must
	// be set before Furnish is called.
	People People
	// Transcribe makes meetings be transcribed. It must be set before Furnish is called.
	// Config already has the malformed rows and the moving pages.
	Transcribe bool
	// Record makes recordings be stored. It must be set before Furnish is called. Config
	// already determines how they are listed.
	Record bool

	seed   uint64
	begin  time.Time
	length time.Duration
	chosen []string
	odd    chances
	again  []reuse // by time
}

// chances draws something for one in so many names; 0: for none.
type chances struct {
	seed  uint64
	oneIn int64
}

// draw returns what to draw further from, if the name is one of them.
func (c chances) draw(name string) (d dice, hit bool) {
	if c.oneIn == 0 {
		return 0, false
	}
	d = dice(mix(c.seed) ^ hash(name))
	return d, d.upTo(c.oneIn) == 0
}

// NewAdversary returns a random account for a test that lasts for length from begin on. Length
// should be hours: whatever arrives late has arrived by the end.
func NewAdversary(seed uint64, begin time.Time, length time.Duration) *Adversary {
	x := &Adversary{seed: seed, begin: begin, length: length}
	d := dice(mix(seed))
	x.drawPoints(&d)
	x.drawStyles(&d)
	x.drawDelays(&d)
	x.drawSums(&d)
	x.drawTroubles(&d)
	x.drawTranscriptions()
	x.drawRecordings(&d)
	x.drawPages(&d)
	return x
}

// String describes what was chosen.
func (x *Adversary) String() string {
	return fmt.Sprintf("adversary of seed %d, for %v: %s", x.seed, x.length, strings.Join(x.chosen, "; "))
}

func (x *Adversary) note(format string, args ...any) {
	x.chosen = append(x.chosen, fmt.Sprintf(format, args...))
}

// part returns a random time up to a part of the length, in whole seconds, and no longer
// than most.
func (x *Adversary) part(d *dice, of float64, most time.Duration) time.Duration {
	up := min(time.Duration(float64(x.length)*of), most)
	return time.Duration(d.upTo(int64(up/time.Second))+1) * time.Second
}

func (x *Adversary) drawPoints(d *dice) {
	c := &x.Config
	c.PointsPerMinute = 100
	if d.chance(0.5) {
		c.PointsPerMinute = 1000
	}
	c.Limiter = Limiter(d.upTo(3))
	c.RefusalCost = int(d.upTo(2))
	c.ResetAlways = d.chance(0.5)
	x.note("%d points a minute, %s, a refusal costs %d, a reset with every answer: %v",
		c.PointsPerMinute, [...]string{"fixed window", "sliding window", "token bucket"}[c.Limiter], c.RefusalCost, c.ResetAlways)

	same := 1 + int(d.upTo(10))
	base := map[string]int{EndpointRecordings: same}
	differ := d.chance(0.5)
	for _, endpoint := range []string{EndpointRooms, EndpointRoomSessions, EndpointParticipants, EndpointParticipant} {
		base[endpoint] = same
		if differ {
			base[endpoint] = 1 + int(d.upTo(10))
		}
	}
	base[EndpointTranscriptions] = same
	rowsPerPoint := []int{0, 10, 50}[d.upTo(3)]
	rise := int(d.upTo(6))
	when := x.begin.Add(x.length/4 + x.part(d, 0.25, x.length))
	c.Cost = func(endpoint string, rows int, at time.Time) int {
		cost := base[endpoint]
		if rowsPerPoint != 0 {
			cost += rows / rowsPerPoint
		}
		if !at.Before(when) {
			cost += rise
		}
		return min(cost, 10)
	}
	x.note("costs %v, 1 more for every %d rows, %d more after %v", base, rowsPerPoint, rise, when.Sub(x.begin))
}

func (x *Adversary) drawStyles(d *dice) {
	c := &x.Config
	c.Nulls = NullStyle(d.upTo(2))
	c.SessionTimes = SessionTimeStyle(d.upTo(3))
	c.Cursors = CursorStyle(d.upTo(2))
	c.NullsFirst = d.chance(0.5)
	c.ExpireRooms = d.chance(0.5)
	c.KeepDeleted = !c.ExpireRooms && d.chance(0.3)
	x.note("nulls %s and %s, session times %s, cursors %s, rooms expire: %v, deleted rooms stay: %v",
		[...]string{"left out", "written"}[c.Nulls], map[bool]string{false: "last", true: "first"}[c.NullsFirst],
		[...]string{"in both pairs", "startedAt", "createdAt"}[c.SessionTimes],
		[...]string{"count", "remember the last row"}[c.Cursors], c.ExpireRooms, c.KeepDeleted)
}

func (x *Adversary) drawDelays(d *dice) {
	i := &x.Config.Insights
	x.Config.Lag = x.part(d, 0.02, 15*time.Minute)
	x.note("a lag of %v", x.Config.Lag)
	if d.chance(0.7) {
		seed, least, spread := d.roll(), x.Config.Lag/2, x.part(d, 0.04, 30*time.Minute)
		i.LagOf = func(endpoint, roomName string) time.Duration {
			d := dice(mix(seed) ^ hash(endpoint+roomName))
			return least + time.Duration(d.upTo(int64(spread/time.Second)))*time.Second
		}
		x.note("lags of %v to %v by endpoint and room", least, least+spread)
	}
	i.Lateness = x.drawTimes(d, 0.7, 0.08, "sessions are late")
	i.Growth = x.drawTimes(d, 0.7, 0.08, "sessions grow after their end")
}

// drawTimes draws a time for some sessions, or nothing at all.
func (x *Adversary) drawTimes(d *dice, chance, of float64, what string) func(roomName, sessionID string) time.Duration {
	some := chances{seed: d.roll(), oneIn: 2 + d.upTo(8)}
	most := x.part(d, of, 6*time.Hour)
	if !d.chance(chance) {
		return nil
	}
	x.note("one in %d %s, up to %v", some.oneIn, what, most)
	return func(_, sessionID string) time.Duration {
		d, hit := some.draw(sessionID)
		if !hit {
			return 0
		}
		return time.Duration(d.upTo(int64(most/time.Second))+1) * time.Second
	}
}

func (x *Adversary) drawSums(d *dice) {
	i := &x.Config.Insights
	i.EndedSessions = d.chance(0.5)
	i.SilentEnd = d.chance(0.5)
	i.MovingPages = d.chance(0.5)
	i.FormerSessions = d.chance(0.5)
	i.SeparateLives = true
	i.AloneTime = x.drawTimes(d, 0.5, 0.01, "sessions have somebody alone before them")
	x.note("totalSessions counts ended sessions only: %v, rooms end silently: %v, pages move: %v, former sessions are listed: %v",
		i.EndedSessions, i.SilentEnd, i.MovingPages, i.FormerSessions)
}

func (x *Adversary) drawTroubles(d *dice) {
	i := &x.Config.Insights
	half := x.begin.Add(x.length / 2)
	refused := chances{d.roll(), 12}
	empty := chances{d.roll(), 12}
	x.odd = chances{d.roll(), 12}
	if d.chance(0.7) {
		i.SessionStatus = func(roomName string, _ time.Time) int {
			d, hit := refused.draw(roomName)
			if !hit {
				return 0
			}
			return []int{400, 403, 404, 500, 502}[d.upTo(5)]
		}
		x.note("the sessions of one room in %d are refused for ever", refused.oneIn)
	}
	if d.chance(0.7) {
		i.EmptySessions = func(roomName string, at time.Time) bool {
			d, hit := empty.draw(roomName)
			return hit && (d.chance(0.5) || at.Before(half))
		}
		x.note("the sessions of one room in %d are left out, of some for ever", empty.oneIn)
	}
	if d.chance(0.7) {
		kinds := OddRowKinds()
		i.OddRows = func(roomName string, at time.Time) string {
			d, hit := x.odd.draw(roomName)
			if !hit || !at.Before(half) {
				return ""
			}
			return kinds[d.upTo(int64(len(kinds)))]
		}
		x.note("the rows of one room in %d are odd", x.odd.oneIn)
	}
}

func (x *Adversary) drawPages(d *dice) {
	i := &x.Config.Insights
	i.PageRows = 5 + int(d.upTo(40))
	x.note("%d rows a page at most", i.PageRows)
}

// People is what the people of an [Adversary] do besides meeting, each as a switch.
type People struct {
	Outlast    bool // stay after a session, alone
	Knock      bool // knock, wait across a session's end, give up or are let in
	Reconnect  bool // come back within the millisecond in which they leave
	Assistants bool // bring assistants
	Linger     bool // stay in a room past its EndAt
	DialIn     bool // come by telephone
	Crowd      bool // come in crowds, up to and beyond what a room may hold
}

// AllPeople returns all of them switched on.
func AllPeople() People {
	return People{Outlast: true, Knock: true, Reconnect: true, Assistants: true, Linger: true, DialIn: true, Crowd: true}
}

// reuse is a name that is used again.
type reuse struct {
	name string
	at   time.Time
}

func (r reuse) compare(s reuse) int {
	return cmp.Or(r.at.Compare(s.at), cmp.Compare(r.name, s.name))
}
