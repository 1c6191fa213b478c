package config

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// checkText finds characters that YAML forbids. The YAML parser does not report their
// column.
func (r *reader) checkText(content []byte) {
	for at := 0; at < len(content); {
		c, size := utf8.DecodeRune(content[at:])
		message := ""
		switch {
		case c == utf8.RuneError && size == 1:
			message = "is not UTF-8; save the file as UTF-8"
		case isControl(c):
			message = fmt.Sprintf("the control character %U is not allowed; remove it", c)
		}
		if message != "" {
			line, column := position(content, at)
			r.problemAt(line, column, "", "%s", message)
			return
		}
		at += size
	}
}

// isControl reports whether YAML forbids a character.
func isControl(c rune) bool {
	switch c {
	case '\t', '\n', '\r', 0x85:
		return false
	case 0xfeff, 0xfffe, 0xffff:
		return true
	}
	return c < ' ' || 0x7f <= c && c <= 0x9f
}

// position returns the line and the column of a byte.
func position(content []byte, at int) (line, column int) {
	before := content[:at]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[begin:]) + 1
}
