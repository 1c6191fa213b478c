package backfill

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"whereby_exporter/collector/durable"
	"whereby_exporter/collector/metrics"
	"whereby_exporter/collector/store"
	"whereby_exporter/collector/transcriptions"
	"whereby_exporter/whereby"
)

// transcriptionsFile holds the transcriptions known to the exporter's store.
const transcriptionsFile = "transcriptions"

// transcript is the part of a transcription that the history needs; times are in milliseconds.
type transcript struct {
	Room     string `json:"room"`
	Started  int64  `json:"started"`
	Listed   bool   `json:"listed"`
	Ended    int64  `json:"ended"` // never: it still grows
	Billable int64  `json:"billable"`
}

// keepTranscriptions writes the transcriptions known to a store, deleted ones included.
func (r *runner) keepTranscriptions(known *store.Bolt) error {
	all := map[string]transcript{}
	for row, err := range known.Transcriptions().Rows() {
		if err != nil {
			return fmt.Errorf("--storage.path: %w", err)
		}
		t := transcript{Room: row.Room, Started: row.Started, Listed: row.Listed, Ended: row.Started + row.Billable, Billable: row.Billable}
		if row.Status == transcriptions.Running {
			t.Ended = never
		}
		all[row.ID] = t
	}
	content, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := durable.Replace(r.work.path(transcriptionsFile), durable.Content(content)); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// transcripts returns all known transcriptions by ID: those in the store and those listed.
// There are none if the account may not list them.
func (r *runner) transcripts(ctx context.Context) (map[string]transcript, error) {
	all := map[string]transcript{}
	content, err := os.ReadFile(r.work.path(transcriptionsFile))
	if err == nil {
		err = json.Unmarshal(content, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r.work.explain(durable.Damaged(r.work.path(transcriptionsFile), err))
	}
	for {
		err := r.listTranscripts(ctx, all)
		switch {
		case err == nil:
			return all, nil
		case whereby.Unlisted(err):
			r.Logger.Warn("transcriptions cannot be listed; their history is left out", "err", err)
			return nil, nil
		}
		if err := r.patience(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (r *runner) listTranscripts(ctx context.Context, all map[string]transcript) error {
	odd := 0
	for page, err := range r.client.Transcriptions(ctx, whereby.TranscriptionsQuery{SortBy: whereby.TranscriptionsNewestFirst}) {
		if err != nil {
			return err
		}
		r.succeeded()
		odd += len(page.Unusable)
		for _, row := range page.Rows {
			t := transcript{Room: row.RoomName, Started: row.StartedAt.UnixMilli(), Listed: true, Billable: row.Billable.Milliseconds(), Ended: never}
			t.Billable = max(t.Billable, all[row.ID].Billable)
			if row.State == whereby.TranscriptionReady || row.State == whereby.TranscriptionFailure {
				t.Ended = max(row.EndedAt.UnixMilli(), t.Started)
			}
			all[row.ID] = t
		}
	}
	if odd > 0 {
		r.Logger.Warn("transcriptions that cannot be read are left out", "rows", odd)
	}
	return nil
}

// transcribed is the history of a prefix's transcriptions.
type transcribed struct {
	label  string
	begins int64 // the first sample
	// billable is in milliseconds, and cost in the unit of config.Amount.
	billable, cost tally
}

// tally is a counter that is written once, from its first sample to its last.
type tally struct {
	now     int64
	changes map[int64]int64 // by sample
}

// at returns the counter's value at the next sample.
func (t *tally) at(index int64) int64 {
	t.now += t.changes[index]
	return t.now
}

// addTranscripts sorts transcriptions by prefix and sample. Those before the first sample
// are part of it. Those that started after the last, or had not ended long before it, are
// left to the live counters.
func (h *history) addTranscripts(all map[string]transcript, label func(roomName string) string) {
	byLabel := map[string]*transcribed{}
	for _, t := range all {
		index := h.sampleIndex(t.Started)
		if index > h.last() || t.Ended > h.seam {
			continue
		}
		name := label(t.Room)
		series := byLabel[name]
		if series == nil {
			series = &transcribed{label: name, begins: never, billable: tally{changes: map[int64]int64{}}, cost: tally{changes: map[int64]int64{}}}
			byLabel[name] = series
		}
		index = max(index, h.first)
		series.begins = min(series.begins, max(h.first, index-1))
		series.billable.changes[index] += t.Billable
		series.cost.changes[index] += h.costs.ofTranscript(t)
	}
	for _, name := range slices.Sorted(maps.Keys(byLabel)) {
		h.transcribed = append(h.transcribed, byLabel[name])
	}
}

// writeTranscribed writes the billable time in a range of samples.
func (e *emitter) writeTranscribed(w *bufio.Writer, from, to int64) {
	if len(e.transcribed) == 0 {
		return
	}
	m := metrics.TranscriptionSeconds
	head(w, strings.TrimSuffix(m.Name, "_total"), m.Type, m.Help)
	for _, t := range e.transcribed {
		labels := labelText(t.label, e.labels)
		for index := max(from, t.begins); index <= to; index++ {
			billable := time.Duration(t.billable.at(index)) * time.Millisecond
			e.line(w, m.Name, labels, billable.Seconds(), index*e.interval)
		}
	}
}
