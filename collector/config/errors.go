package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File string
	// Line and Column count from 1, the column in characters. Both are 0 if the
	// file as a whole is wrong, as when it can't be read.
	Line, Column int
	// Field is the path in the document, such as customers[2].quotas.sessions; "" for
	// the document itself.
	Field string
	// Message says what is wrong and what to do, on one line.
	Message string
}

// String returns the problem as file:line:column: field: message.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, p.Column)
	}
	if p.Field != "" {
		s += ": " + p.Field
	}
	return s + ": " + p.Message
}

// Error is a configuration file that can't be used, with all of its problems in
// the order of their lines. There is at least one.
type Error struct {
	Problems []Problem
}

// Error returns the problems, one per line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Summary returns one line for a log: the first problem, and how many follow.
func (e *Error) Summary() string {
	s := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		s += fmt.Sprintf(" (and %d more)", more)
	}
	return s
}

// newError sorts problems and drops those that an alias repeats.
func newError(problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	problems = slices.CompactFunc(problems, func(a, b Problem) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
	return &Error{Problems: problems}
}
