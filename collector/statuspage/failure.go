package statuspage

import (
	"strings"
	"time"

	"whereby_exporter/collector/poller"
	"whereby_exporter/whereby"
)

// failure is an error in words for a person.
type failure struct {
	At stamp
	// What went wrong, Message the error itself, Do what helps.
	What, Message, Do string
}

// longestMessage bounds what an error may say, in characters.
const longestMessage = 300

func failureOf(now, at time.Time, err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{At: stampOf(now, at), Message: oneLine(err.Error())}
	switch whereby.ClassOf(err) {
	case whereby.ClassAuth:
		f.What = "Whereby does not accept the API key"
		f.Do = "Check the key in Whereby’s dashboard. With --whereby.api-key-file, a new key takes effect without a restart."
	case whereby.ClassThrottled:
		f.What = "The organization's points are used up"
		f.Do = "Nothing is lost; the exporter waits as long as Whereby asks. If it lasts, find out what else spends the points, or lower --whereby.rate-limit-share."
	case whereby.ClassServer:
		f.What = "Whereby does not respond as expected"
		f.Do = "The exporter retries at every poll. Check the network and any proxy between here and Whereby."
	case whereby.ClassMalformed:
		f.What = "A response from Whereby could not be parsed"
		f.Do = "The exporter retries at every poll. Check that --whereby.url is right, and that no proxy responds in place of Whereby."
	case whereby.ClassRequest:
		f.What = "Whereby did not accept a request"
		f.Do = "Check that --whereby.url is right, and look for a newer version of the exporter."
	default:
		if poller.IsAnotherAccount(err) {
			f.What = "The API key belongs to a different account than the store"
			f.Do = "Nothing was counted. Use the store's API key, or a different --storage.path for this account."
			break
		}
		f.What = "The store could not be written"
		f.Do = "The disk may be full or gone. Figures do not change until it can be written again."
	}
	return f
}

// oneLine cuts a text to a readable length.
func oneLine(s string) string {
	runes := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " "))
	if len(runes) > longestMessage {
		return string(runes[:longestMessage]) + "…"
	}
	return string(runes)
}
