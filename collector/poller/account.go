package poller

import (
	"errors"
	"fmt"

	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// Classes of a poll's errors that do not come from Whereby.
const (
	classStore   whereby.ErrorClass = "store"
	classAccount whereby.ErrorClass = "account"
)

// maxUntold bounds the rooms that wait until their account is known. The first ones are the most
// recently used.
const maxUntold = 10_000

// explain adds to an error about the account what an operator can do.
func (p *Poller) explain(err error) error {
	if !IsAnotherAccount(err) {
		return err
	}
	return fmt.Errorf("the API key belongs to a different account than the store in %s: %w; use that account's key or a different --storage.path",
		p.config.Storage, err)
}

// IsAnotherAccount reports whether a poll failed because it did not read the account that
// the store is of.
func IsAnotherAccount(err error) bool {
	var another *ledger.AnotherAccountError
	return errors.As(err, &another)
}

// IsStorageError reports whether a poll failed because of the store, and not because of Whereby.
func IsStorageError(err error) bool { return classOf(err) == classStore }

// classOf returns why a poll failed, in a word.
func classOf(err error) whereby.ErrorClass {
	class := whereby.ClassOf(err)
	switch {
	case class != "":
		return class
	case IsAnotherAccount(err):
		return classAccount
	}
	return classStore
}

// tell passes rooms to OnRooms once they are known to be the account's.
func (w *walk) tell(rooms []whereby.Room) {
	if w.poller.config.OnRooms == nil {
		return
	}
	if !w.poll.Recognized() {
		w.untold = append(w.untold, rooms[:min(len(rooms), maxUntold-len(w.untold))]...)
		return
	}
	if len(w.untold) > 0 {
		rooms = append(w.untold, rooms...)
		w.untold = nil
	}
	w.poller.config.OnRooms(rooms)
}

// tellRest passes the rooms of a poll to OnRooms that was committed although it found no known
// room, and logs a warning.
func (w *walk) tellRest(replaced int) {
	if replaced > 0 {
		w.poller.log.Warn("none of the account's earlier rooms is left", "new", replaced)
	}
	if len(w.untold) > 0 {
		w.poller.config.OnRooms(w.untold)
		w.untold = nil
	}
}
