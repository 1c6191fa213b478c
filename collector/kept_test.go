package collector

import (
	"errors"
	"log/slog"

	"whereby_exporter/collector/cost"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/quality"
	"whereby_exporter/collector/recordings"
	"whereby_exporter/collector/state"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/collector/webhook"
)

// kept is a keeper with the stores of a test; those that are nil are in memory.
type kept struct {
	keeper
	ledger         ledger.Store
	quality        quality.Store
	transcriptions transcriptions.Store
	costs          cost.Store
	// events is the directory of the event log, "" for none.
	events string
	log    *webhook.EventLog
}

func newKept(k kept) *kept {
	k.keeper = state.NewMemory()
	if k.ledger == nil {
		k.ledger = store.NewMemory()
	}
	if k.quality == nil {
		k.quality = store.NoRecords{}
	}
	if k.costs == nil {
		k.costs = k.keeper.Costs()
	}
	if k.transcriptions == nil {
		k.transcriptions = store.NewTranscriptionsInMemory()
	}
	return &k
}

func (k *kept) Ledger() ledger.Store   { return k.ledger }
func (k *kept) Quality() quality.Store { return k.quality }
func (k *kept) Costs() cost.Store      { return k.costs }

func (k *kept) Transcriptions() transcriptions.Store { return k.transcriptions }

func (k *kept) Recordings() recordings.Store {
	if s, ok := k.ledger.(recordings.Store); ok {
		return s
	}
	return k.keeper.Recordings()
}

func (k *kept) OpenEvents(s webhook.State) (webhook.Log, error) {
	if k.events == "" {
		return k.keeper.OpenEvents(s)
	}
	var err error
	k.log, err = webhook.OpenEventLog(k.events, s, slog.New(slog.DiscardHandler))
	return k.log, err
}

func (k *kept) Close() error {
	err := k.ledger.Close()
	if k.log != nil {
		err = errors.Join(err, k.log.Close())
	}
	return err
}
