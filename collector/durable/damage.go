package durable

import "fmt"

// DamagedError means that a file holds something other than what was written to it. A
// caller that knows what the operator can do about it adds that.
type DamagedError struct {
	Path string
	// Offset is the byte at which the damage was noticed, or -1 if that is not known.
	Offset int64
	// Err is what is wrong, or nil.
	Err error
}

// Damaged returns the error for damage at an unknown place in a file.
func Damaged(path string, err error) *DamagedError {
	return &DamagedError{Path: path, Offset: -1, Err: err}
}

func (e *DamagedError) Error() string {
	text := e.Path + " is damaged"
	if e.Offset >= 0 {
		text = fmt.Sprintf("%s is damaged at byte %d", e.Path, e.Offset)
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

func (e *DamagedError) Unwrap() error { return e.Err }
