package config

import (
	"bytes"
	"errors"
)

// errUTF16 explains the output of PowerShell's >.
var errUTF16 = errors.New("is UTF-16, as older PowerShells write files; save it as UTF-8")

// PlainText returns the text of a file without the byte-order mark that editors on Windows
// put before it. UTF-16 text is an error, which does not repeat any of it.
func PlainText(content []byte) ([]byte, error) {
	if isUTF16(content) {
		return nil, errUTF16
	}
	return bytes.TrimPrefix(content, []byte("\ufeff")), nil
}

// isUTF16 looks for the mark of UTF-16, or for the zero in its first character, which is
// ASCII in all files that are read here.
func isUTF16(content []byte) bool {
	if len(content) < 2 || len(content)%2 != 0 {
		return false
	}
	a, b := content[0], content[1]
	return a == 0xff && b == 0xfe || a == 0xfe && b == 0xff || (a == 0) != (b == 0)
}
