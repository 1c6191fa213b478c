package config_test

import (
	"reflect"
	"testing"
	"time"

	"whereby_exporter/collector/config"
)

func TestPrices(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	kind := func(participant, recorder config.Amount) map[config.Kind]config.Amount {
		return map[config.Kind]config.Amount{config.ParticipantMinute: participant, config.RecorderMinute: recorder}
	}
	for content, want := range map[string]*config.Prices{
		"":           nil,
		"prices:":    nil,
		"prices: {}": nil,
		"prices: []": nil,
		"prices: {participant_minute: 0.004, currency: USD}": {Currency: "USD", Steps: []config.PriceStep{
			{Prices: map[config.Kind]config.Amount{config.ParticipantMinute: 240_000}},
		}},
		"prices: {transcription_minute: 0, streamer_minute: 9999.000001, currency: JPY}": {Currency: "JPY", Steps: []config.PriceStep{
			{Prices: map[config.Kind]config.Amount{config.TranscriptionMinute: 0, config.StreamerMinute: 599_940_000_060}},
		}},
		// Days begin where the billing does. A kind that an entry leaves out keeps its price.
		`
prices:
  - {participant_minute: 0.1, recorder_minute: 1, currency: NOK}
  - {from: 2026-07-01, participant_minute: 0.2}
  - {from: "2026-12-01", recorder_minute: 2.5, currency: NOK}
billing: {time_zone: Europe/Oslo}`: {Currency: "NOK", Steps: []config.PriceStep{
			{Prices: kind(6_000_000, 60_000_000)},
			{Start: time.Date(2026, 7, 1, 0, 0, 0, 0, oslo), Prices: kind(12_000_000, 60_000_000)},
			{Start: time.Date(2026, 12, 1, 0, 0, 0, 0, oslo), Prices: kind(12_000_000, 150_000_000)},
		}},
		"prices: [{from: 2026-07-01, participant_minute: 0.1, currency: USD}]": {Currency: "USD", Steps: []config.PriceStep{
			{Start: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Prices: map[config.Kind]config.Amount{config.ParticipantMinute: 6_000_000}},
		}},
	} {
		got := parse(t, content).Prices
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %+v; want %+v", content, got, want)
		}
	}
}
