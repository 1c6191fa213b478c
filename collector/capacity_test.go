package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/webhook"
	"whereby_exporter/whereby"
	"whereby_exporter/whereby/wherebytest"
)

// capacityFiles say how many people rooms hold; the first says nothing of initech-.
var capacityFiles = []string{
	`customers: [{room_prefix: acme-, room_capacity: 4}, {room_prefix: globex-, room_capacity: 20}]`,
	`{organization: {room_capacity: 6}, customers: [{room_prefix: acme-, room_capacity: 10}, {room_prefix: globex-}]}`,
	`organization: {room_capacity: 3}`,
}

// expectFullRooms compares how full rooms are with what the account knows, and returns how
// many are.
func (b *bench) expectFullRooms(account *wherebytest.Account, file *config.Config) (full int) {
	b.Helper()
	exposition := b.exposition()
	capacities, rooms := b.samplesOf(metrics.RoomCapacity, exposition), b.samplesOf(metrics.LiveRoomsFull, exposition)
	fullest, most := b.samplesOf(metrics.LiveFullestRoom, exposition), b.samplesOf(metrics.LiveFullestRoomMax, exposition)
	known := b.samplesOf(metrics.LiveParticipants, exposition)
	truth := account.Live(time.Now(), file.Prefixes().Classify)
	for prefix := range known {
		capacity := int(file.Capacities()(prefix))
		got := fmt.Sprint(capacities[prefix], rooms[prefix], fullest[prefix])
		want := fmt.Sprint(0, 0, 0)
		if capacity > 0 {
			want = fmt.Sprint(capacity, truth[prefix].Full(capacity), float64(truth[prefix].Fullest())/float64(capacity))
			full += truth[prefix].Full(capacity)
		}
		if _, shown := rooms[prefix]; got != want || shown != (capacity > 0) || most[prefix] < fullest[prefix] {
			b.Errorf("%v: %s has capacity, full rooms and the fullest %s (at most %v); want %s", time.Now(), prefix, got, most[prefix], want)
		}
	}
	return full
}

// expectDialIns compares the joins by telephone with those that happened since a time.
func (b *bench) expectDialIns(account *wherebytest.Account, begin time.Time, file *config.Config) (sum float64) {
	b.Helper()
	want := map[string]float64{}
	for _, e := range account.Events(begin, time.Now().Add(time.Millisecond)) {
		if e.Type == whereby.ClientJoined && e.DialIn {
			want[file.Prefixes().Classify(e.RoomName)]++
			sum++
		}
	}
	for prefix, n := range b.samples(metrics.DialIns) {
		if n != want[prefix] {
			b.Errorf("%v: %v joined rooms of %s by telephone; want %v", time.Now(), n, prefix, want[prefix])
		}
		delete(want, prefix)
	}
	if len(want) > 0 {
		b.Errorf("%v: nobody has joined by telephone; want %v", time.Now(), want)
	}
	return sum
}

// TestFullRoomsAreAnAdversarysTruth kills the exporter at any time, saves the live state or
// not, and puts other capacities in force, while crowds come and go, some by telephone.
func TestFullRoomsAreAnAdversarysTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		// Nobody is in a room when the exporter starts.
		adversary := wherebytest.NewAdversary(seed, time.Now().Add(3*time.Hour), 8*time.Hour)
		t.Log(adversary)
		adversary.Config.APIKey = apiKey
		adversary.People = wherebytest.AllPeople()
		account := wherebytest.New(adversary.Config)
		adversary.Furnish(account)

		begin := time.Now()
		dir, usage := t.TempDir(), store.NewMemory()
		file := parse(t, capacityFiles[0])
		open := func() *bench {
			b := prepareWith(t, account, usage, Config{Webhooks: verifier(t), File: file, StoragePath: dir})
			b.start()
			return b
		}
		b := open()
		defer func() { b.stop() }()
		var current atomic.Pointer[bench]
		current.Store(b)
		stop := sendTo(t, account, wherebytest.DeliveryFaults{Seed: seed, Duplicated: 0.3, Delayed: 0.4, MaxDelay: 20 * time.Second},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().collector.Webhook().ServeHTTP(w, r) }))
		defer stop()
		time.Sleep(90 * time.Minute)
		full, dialIns := 0, 0.0
		for range unlessShort(40, 15) {
			b.waitForQuiet(account)
			full += b.expectFullRooms(account, file)
			if dialIns = b.expectDialIns(account, begin, file); t.Failed() {
				return
			}
			switch random.IntN(4) {
			case 0:
				file = parse(t, capacityFiles[random.IntN(len(capacityFiles))])
				if err := b.collector.Reload(file); err != nil {
					t.Fatal(err)
				}
			case 1:
				if err := b.collector.webhooks.log.(*webhook.EventLog).Save(); err != nil {
					t.Fatal(err)
				}
				fallthrough
			case 2:
				killed := dir
				dir = t.TempDir() // what a kill leaves, before an orderly stop adds to it
				if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
					t.Fatal(err)
				}
				b.stop()
				b = open()
				current.Store(b)
			}
			b.expectFullRooms(account, file)
			if b.expectDialIns(account, begin, file); t.Failed() {
				return
			}
		}
		if (full == 0 || dialIns == 0) && !testing.Short() {
			t.Errorf("%d rooms were full, and %v joined by telephone", full, dialIns)
		}
	})
}

// sendTo sends an account's events to a handler, until stop.
func sendTo(t *testing.T, account *wherebytest.Account, faults wherebytest.DeliveryFaults, receiver http.Handler) (stop func()) {
	sender := wherebytest.Sender{
		Account: account, URL: "http://exporter/webhook", Secret: webhookSecret, Faults: faults,
		Client: &http.Client{Transport: wherebytest.HandlerTransport(receiver)},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := sender.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}
