package exposition

import (
	"strconv"
	"strings"
)

// coding is a content coding of HTTP.
type coding string

const (
	identity coding = "identity"
	gzipped  coding = "gzip"
)

// negotiate returns the coding that the values of Accept-Encoding prefer, and gzip if they
// prefer neither. A client that refuses everything gets identity: it may be able to read
// that, and an error would not help it.
func negotiate(acceptEncoding []string) coding {
	qualities := map[string]float64{}
	for _, value := range acceptEncoding {
		for element := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(element, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			q := quality(parameters)
			// A coding that is refused once is not sent.
			if earlier, ok := qualities[name]; !ok || q < earlier {
				qualities[name] = q
			}
		}
	}
	q, ok := qualities[string(gzipped)]
	if !ok {
		q = qualities["*"]
	}
	if q > 0 && q >= qualities[string(identity)] {
		return gzipped
	}
	return identity
}

// quality returns the q of an element's parameters. An invalid one refuses the coding:
// identity is always safe.
func quality(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
