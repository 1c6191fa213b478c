package collector

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"whereby_exporter/collector/store"
	"whereby_exporter/whereby/wherebytest"
)

// TestLiveCountsAreAnAdversarysTruth delivers the events of an account whose people do what
// Whereby allows, each thing alone and all at once: whenever all events have arrived, the
// counts are the account's truth.
func TestLiveCountsAreAnAdversarysTruth(t *testing.T) {
	for name, people := range map[string]wherebytest.People{
		"plain":               {},
		"outlast sessions":    {Outlast: true},
		"knock":               {Outlast: true, Knock: true},
		"reconnect":           {Reconnect: true},
		"bring assistants":    {Assistants: true},
		"linger after an end": {Linger: true},
		"all":                 wherebytest.AllPeople(),
	} {
		t.Run(name, func(t *testing.T) {
			if name != "all" {
				long(t)
			}
			synctest.Test(t, func(t *testing.T) {
				// Nobody is in a room when the exporter starts.
				adversary := wherebytest.NewAdversary(rand.Uint64(), time.Now().Add(3*time.Hour), 8*time.Hour)
				t.Log(adversary)
				adversary.Config.APIKey = apiKey
				adversary.People = people
				account := wherebytest.New(adversary.Config)
				adversary.Furnish(account)
				b := prepareWith(t, account, store.NewMemory(), Config{Webhooks: verifier(t)})
				defer b.stop()
				b.start()
				stop := b.sendWebhooks(wherebytest.DeliveryFaults{Duplicated: 0.3, Delayed: 0.4, MaxDelay: 20 * time.Second})
				defer stop()
				time.Sleep(90 * time.Minute)
				for range unlessShort(40, 15) {
					b.waitForQuiet(account)
					if b.expectLiveTruth(account); t.Failed() {
						break
					}
				}
			})
		})
	}
}
