package exposition

import (
	"strconv"
	"strings"
)

// coding is a content coding of HTTP.
type coding string

const (
	identity  coding = "identity"
	gzipped   coding = "gzip"
	zstandard coding = "zstd"
)

// negotiate picks the coding that the values of Accept-Encoding like best, and of
// several equal ones gzip, then zstd. A client that refuses everything gets
// identity: an answer it may be able to read serves it better than none.
func negotiate(acceptEncoding []string) coding {
	qualities := map[string]float64{}
	for _, value := range acceptEncoding {
		for element := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(element, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			q := quality(parameters)
			// Who refuses a coding anywhere is not sent it.
			if earlier, ok := qualities[name]; !ok || q < earlier {
				qualities[name] = q
			}
		}
	}
	best, bestQuality := identity, qualities[string(identity)]
	for _, c := range []coding{zstandard, gzipped} {
		q, ok := qualities[string(c)]
		if !ok {
			q = qualities["*"]
		}
		if q > 0 && q >= bestQuality {
			best, bestQuality = c, q
		}
	}
	return best
}

// quality returns the q of an element's parameters. One that cannot be understood
// refuses the coding, as identity is always safe.
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
