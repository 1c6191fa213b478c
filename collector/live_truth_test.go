package collector

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// scheduleDoors adds rooms in which visitors knock, hosts come late, and machines take
// part.
func scheduleDoors(account *wherebytest.Account, random *rand.Rand) {
	for i := range 8 {
		name := fmt.Sprintf("/initech-%08x-0000-4000-8000-%012x", i, i)
		account.AddRoom(wherebytest.Room{Name: name})
		for at := time.Now().Add(5 * time.Minute); at.Before(time.Now().Add(3 * time.Hour)); {
			length := 15*time.Minute + time.Duration(random.Int64N(int64(30*time.Minute)))
			late := time.Duration(random.Int64N(int64(3 * time.Minute)))
			session := wherebytest.Session{Start: at, End: at.Add(length), Participants: []wherebytest.Participant{
				{Role: "visitor", Joined: at, Left: at.Add(length - time.Minute)},
				{Role: "host", Joined: at.Add(late + time.Millisecond), Left: at.Add(length - 2*time.Second)},
			}}
			if random.IntN(2) == 0 {
				session.Participants = append(session.Participants, wherebytest.Participant{
					Role: wherebytest.RoleRecorder, Joined: at.Add(4 * time.Minute), Left: at.Add(length - 3*time.Second),
				})
			}
			for k := range random.IntN(3) {
				knocked := at.Add(time.Duration(k+1)*time.Minute + 7*time.Millisecond)
				ended := knocked.Add(time.Second + time.Duration(random.Int64N(int64(5*time.Minute)))).Truncate(time.Millisecond)
				if random.IntN(3) == 0 {
					session.Knocks = append(session.Knocks, wherebytest.Knock{At: knocked, GaveUp: ended})
					continue
				}
				session.Participants = append(session.Participants, wherebytest.Participant{Knocked: knocked, Joined: ended, Left: at.Add(length - 4*time.Second)})
			}
			account.Schedule(name, session)
			at = at.Add(length + time.Minute + time.Duration(random.Int64N(int64(20*time.Minute))))
		}
	}
}

// scheduleStays adds rooms in which people outlast sessions, knock across a session's end,
// and come back within a millisecond, assistants take part, and nobody leaves because the
// room is over.
func scheduleStays(account *wherebytest.Account, random *rand.Rand) {
	minutes := func(most int) time.Duration { return time.Duration(1+random.IntN(most*60_000)) * time.Millisecond }
	name := func(i int) string { return fmt.Sprintf("/initech-labs-%08x-0000-4000-8000-%012x", i, i) }
	begin := time.Now().Add(5 * time.Minute)
	for i := range 6 {
		account.AddRoom(wherebytest.Room{Name: name(i)})
		for at := begin.Add(minutes(10)); at.Before(begin.Add(3 * time.Hour)); {
			end := at.Add(15*time.Minute + minutes(15))
			next := end.Add(20*time.Minute + minutes(20))
			back := at.Add(5*time.Minute + minutes(5))
			s := wherebytest.Session{Start: at, End: end, Outlasted: true, Participants: []wherebytest.Participant{
				{Role: whereby.RoleHost, Joined: at, Left: end.Add(minutes(19))},
				{Joined: at.Add(time.Second), Left: back},
				{Joined: back, Replaces: true, Left: end.Add(-minutes(2))},
			}}
			if random.IntN(2) == 0 {
				s.Participants = append(s.Participants, wherebytest.Participant{
					Role: whereby.RoleAssistant, Joined: at.Add(minutes(3)), Left: end.Add(-minutes(4)),
				})
			}
			if random.IntN(2) == 0 {
				s.Knocks = append(s.Knocks, wherebytest.Knock{At: end.Add(-minutes(5)), GaveUp: end.Add(minutes(15))})
			}
			account.Schedule(name(i), s)
			at = next
		}
	}
	for i := range 6 {
		room := wherebytest.Room{Name: name(100 + i), EndAt: begin.Add(minutes(60))}
		account.AddRoom(room)
		s := wherebytest.Session{Start: begin.Add(minutes(20)), Participants: []wherebytest.Participant{{Role: whereby.RoleHost}}}
		if i%2 == 0 { // else nobody ever meets there, and no poll tells of the room
			s.Participants = append(s.Participants, wherebytest.Participant{Joined: s.Start.Add(minutes(5))},
				wherebytest.Participant{Role: whereby.RoleAssistant, Joined: s.Start.Add(minutes(5))})
			s.Knocks = []wherebytest.Knock{{At: room.EndAt.Add(minutes(50))}}
		}
		account.Schedule(room.Name, s)
	}
}

// liveFigures are what is exposed of who is in rooms, as text by prefix.
func (b *bench) liveFigures() map[string]string {
	b.Helper()
	exposition := b.exposition()
	people, rooms := b.samplesOf(metrics.LiveParticipants, exposition), b.samplesOf(metrics.LiveRooms, exposition)
	waiting, clients := b.samplesOf(metrics.LiveWaiting, exposition), b.samplesOf(metrics.LiveClients, exposition)
	figures := map[string]string{}
	for prefix, n := range people {
		roles := map[string]int{}
		for _, role := range []string{"host", "member", "visitor", "granted_visitor", "viewer", "recorder", "assistant"} {
			// Labels come in the order of their names.
			if n := clients[role+","+prefix] + clients[prefix+","+role]; n > 0 {
				roles[role] = int(n)
			}
		}
		figures[prefix] = fmt.Sprintf("%v people in %v rooms, %v waiting, %v", n, rooms[prefix], waiting[prefix], roles)
	}
	return figures
}

// liveTruth returns the same as the account knows it.
func liveTruth(account *wherebytest.Account) map[string]string {
	figures := map[string]string{}
	for prefix, truth := range account.Live(time.Now(), config.Default().Prefixes().Classify) {
		roles := map[string]int{}
		for role, n := range truth.Clients {
			if n > 0 {
				roles[role] = n
			}
		}
		figures[prefix] = fmt.Sprintf("%v people in %v rooms, %v waiting, %v", truth.People, truth.Rooms, truth.Waiting, roles)
	}
	return figures
}

func (b *bench) expectLiveTruth(account *wherebytest.Account) {
	b.Helper()
	got, want := b.liveFigures(), liveTruth(account)
	nobody := "0 people in 0 rooms, 0 waiting, map[]"
	for prefix, figures := range want {
		// A prefix of which no event ever came is not known.
		if got[prefix] != figures && (got[prefix] != "" || figures != nobody) {
			b.Errorf("%v: %s has %s; want %s", time.Now(), prefix, got[prefix], figures)
		}
	}
}

// TestLiveCountsAreTheAccountsTruth lets accounts live, and delivers their events some
// twice, some late and in disorder. Whenever all has arrived, the counts are the truth,
// and so are the waits in the end.
func TestLiveCountsAreTheAccountsTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		if n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
			seed = n
		}
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		account := wherebytest.New(wherebytest.Config{APIKey: apiKey, Lag: 12 * time.Minute})
		scheduleMeetings(account, random)
		scheduleDoors(account, random)
		scheduleStays(account, random)
		b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t)})
		defer b.stop()
		begin := time.Now()
		b.polls(1)
		stop := b.sendWebhooks(wherebytest.DeliveryFaults{Seed: seed, Duplicated: 0.3, Delayed: 0.4, MaxDelay: 20 * time.Second})
		for range unlessShort(150, 30) {
			b.waitForQuiet(account)
			if b.expectLiveTruth(account); t.Failed() {
				break
			}
		}
		stop()
		for reason, n := range b.samples(metrics.LiveCorrections) {
			if n != 0 {
				t.Errorf("%v corrections are %s, and no event was lost", n, reason)
			}
		}
		knocks := map[string]float64{}
		for _, knock := range account.Knocks(begin, time.Now()) {
			outcome := map[bool]string{true: "admitted", false: "cancelled"}[knock.Admitted]
			knocks[outcome+","+config.Default().Prefixes().Classify(knock.RoomName)]++
		}
		if got := b.samples(metrics.KnockWait); !maps.Equal(got, knocks) || len(knocks) < 2 && !testing.Short() {
			t.Errorf("knocks are %v, want %v", got, knocks)
		}
		waits := map[string]float64{}
		for _, wait := range account.HostWaits(begin, time.Now()) {
			waits[config.Default().Prefixes().Classify(wait.RoomName)]++
		}
		if got := b.samples(metrics.HostWait); !maps.Equal(got, waits) || len(waits) == 0 && !testing.Short() {
			t.Errorf("host waits are %v, want %v", got, waits)
		}
		if b.samples(metrics.WebhookDuplicates)[""] == 0 && !testing.Short() {
			t.Error("no event came twice")
		}
	})
}

// TestLostEventsAreHealed loses every tenth event, and ever after the last meeting only
// has Insights to go by.
func TestLostEventsAreHealed(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		account := wherebytest.New(wherebytest.Config{APIKey: apiKey, Lag: 12 * time.Minute})
		scheduleMeetings(account, random)
		scheduleDoors(account, random)
		scheduleStays(account, random)
		b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t)})
		defer b.stop()
		b.polls(1)
		stop := b.sendWebhooks(wherebytest.DeliveryFaults{Seed: seed, Withheld: 0.1, Duplicated: 0.1, Delayed: 0.3, MaxDelay: 20 * time.Second})
		time.Sleep(4 * time.Hour)
		wrong := 0
		for prefix, figures := range b.liveFigures() {
			if figures != liveTruth(account)[prefix] {
				wrong++
			}
		}
		t.Logf("%d prefixes are wrong before Insights is asked", wrong)
		time.Sleep(8 * time.Hour)
		synctest.Wait()
		b.expectLiveTruth(account)
		used, pending := b.samples(metrics.ParticipantMinutes), b.samples(metrics.LivePending)
		for prefix, truth := range account.Minutes(config.Default().Prefixes().Classify) {
			if used[prefix] != float64(truth.True) || pending[prefix] != 0 {
				t.Errorf("%s used %v and %v are pending; want %d and 0", prefix, used[prefix], pending[prefix], truth.True)
			}
		}
		var corrections float64
		for _, n := range b.samples(metrics.LiveCorrections) {
			corrections += n
		}
		if corrections == 0 {
			t.Error("events were lost, and nothing was corrected")
		}
		stop()
	})
}
