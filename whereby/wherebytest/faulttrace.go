package wherebytest

import (
	"encoding/json"
	"maps"
	"slices"
)

// badTraces are what may be wrong with a trace, by name.
var badTraces = map[string]func(row, samples map[string]any){
	"unequal lengths": func(_, samples map[string]any) {
		if loss := list(samples, "packetLossSend"); len(loss) > 0 {
			samples["packetLossSend"] = loss[:len(loss)/2]
		}
	},
	"negative":    func(_, samples map[string]any) { replaceEach(samples, json.Number("-1")) },
	"NaN as text": func(_, samples map[string]any) { replaceEach(samples, "NaN") },
	"null":        func(_, samples map[string]any) { replaceEach(samples, nil) },
	"over 100": func(_, samples map[string]any) {
		samples["packetLossRecv"] = each(list(samples, "packetLossRecv"), json.Number("250"))
	},
	"text for array": func(_, samples map[string]any) { samples["packetLossRecv"] = "NaN" },
	"null for array": func(_, samples map[string]any) { samples["bitrateSend"] = nil },
	"empty arrays": func(_, samples map[string]any) {
		for name := range samples {
			samples[name] = []any{}
		}
	},
	"no samples":   func(row, _ map[string]any) { delete(row, "samples") },
	"null samples": func(row, _ map[string]any) { row["samples"] = nil },
	"no rate":      func(row, _ map[string]any) { delete(row, "sampleRateMs") },
	"huge rate":    func(row, _ map[string]any) { row["sampleRateMs"] = json.Number("1e15") },
	"six hours": func(_, samples map[string]any) {
		for name := range samples {
			loss := list(samples, name)
			for len(loss) > 0 && len(loss) < 6*3600*1000/sampleRate {
				loss = append(loss, loss...)
			}
			samples[name] = loss
		}
	},
}

// BadTraceKinds returns the names that BadTrace takes.
func BadTraceKinds() []string { return slices.Sorted(maps.Keys(badTraces)) }

// BadTrace corrupts the samples in responses of the endpoint participant, in one of the ways
// of BadTraceKinds. In arrays, it corrupts every third sample.
func BadTrace(kind string) Fault {
	spoil := badTraces[kind]
	if spoil == nil {
		panic("wherebytest: BadTrace: unknown kind " + kind)
	}
	f := editRows(func(row map[string]any) {
		samples, _ := row["samples"].(map[string]any)
		spoil(row, samples)
	})
	return f.On(EndpointParticipant)
}

func list(samples map[string]any, name string) []any {
	l, _ := samples[name].([]any)
	return l
}

// replaceEach puts a value in the place of every third sample.
func replaceEach(samples map[string]any, with any) {
	for name := range samples {
		samples[name] = each(list(samples, name), with)
	}
}

func each(values []any, with any) []any {
	for i := range values {
		if i%3 == 2 {
			values[i] = with
		}
	}
	return values
}
