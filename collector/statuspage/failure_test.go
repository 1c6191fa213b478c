package statuspage

import (
	"errors"
	"strings"
	"testing"

	"whereby_exporter/collector/ledger"
)

func TestAFailureThatIsNotWherebys(t *testing.T) {
	for want, err := range map[string]error{
		"The API key belongs to a different account than the store": &ledger.AnotherAccountError{Rooms: 3, Old: 1},
		"The store could not be written":                            errors.New("no space left on device"),
	} {
		if f := failureOf(now, now, err); f.What != want || !strings.Contains(f.Message, err.Error()) || f.Do == "" {
			t.Errorf("%v reads %+v", err, f)
		}
	}
}
